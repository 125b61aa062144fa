// Requests to the service: the key, waiting when it is busy, and errors in words.

const KEY = "windowclf.key";
const PATIENCE = 6; // times that a busy service is asked again
const LONGEST_WAIT = 30; // seconds

/** An answer that is an error, in words for a person. */
export class Refusal extends Error {
  constructor(status, problem, requestId) {
    const field = problem.pointer ? ` at ${problem.pointer}` : "";
    const request = requestId ? `, request ${requestId}` : "";
    super(`${problem.detail ?? "The service gave no reason."} (status ${status}${field}${request})`);
    this.status = status;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
};

/** The address of a path of the service, wherever it is mounted. */
export function address(path) {
  return new URL(path, document.baseURI).href;
}

/**
 * Ask the service and return its answer.
 *
 * A service that is busy (429, 503 with Retry-After) is asked again after the time it names; `onWait` is told
 * the seconds. An aborted signal ends everything with an AbortError.
 */
export async function ask(path, body, { signal, onWait } = {}) {
  for (let tries = 1; ; tries++) {
    const response = await send(path, body, signal);
    if (response.ok) return response.json();
    const seconds = Number(response.headers.get("Retry-After"));
    const busy = response.status === 429 || response.status === 503;
    if (!(busy && seconds > 0 && tries < PATIENCE)) throw await refusal(response);
    await response.body?.cancel();
    const wait = Math.min(seconds, LONGEST_WAIT);
    onWait?.(wait);
    await pause(1000 * wait, signal);
  }
}

async function send(path, body, signal) {
  const headers = key.get() ? { Authorization: `Bearer ${key.get()}` } : {};
  const options = { headers, signal, cache: "no-store" };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(address(path), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service cannot be reached. Is it running?");
  }
}

async function refusal(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // a proxy's error page: the status must do
  }
  return new Refusal(response.status, problem, problem.request_id ?? response.headers.get("X-Request-ID"));
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
