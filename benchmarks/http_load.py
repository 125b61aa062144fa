"""A load of HTTP requests that knows of every one what became of it.

Written on bare asyncio streams: a client that tries again by itself would hide a lost request.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REFUSED = "refused"  # nobody listened: the request was never sent
LOST = "lost"  # the request was sent whole, and no whole answer came


@dataclass
class Outcomes:
    """What became of requests.

    Attributes
    ----------
    counts : Counter
        By status, or REFUSED or LOST.
    seconds : dict of int to list of float
        How long answers took, by status, from sending the request.
    """

    counts: Counter[int | str] = field(default_factory=Counter)
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def add(self, status: int, seconds: float) -> None:
        self.counts[status] += 1
        self.seconds.setdefault(status, []).append(seconds)


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def request_bytes(path: str, body: bytes, *headers: str, method: str = "POST") -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "Content-Type: application/json", *headers, "", ""]).encode() + body


class Client:
    """One connection that is kept alive, and opened again when the service closes it."""

    def __init__(self, address: str, outcomes: Outcomes) -> None:
        url = urlsplit(address)
        self.host, self.port = url.hostname, url.port
        self.outcomes = outcomes
        self.connections = 0  # opened so far
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> bytes | None:
        """Send a request and return the body of its answer; None if none came."""
        if self._streams is None:
            try:
                self._streams = await asyncio.open_connection(self.host, self.port)
            except OSError:
                self.outcomes.counts[REFUSED] += 1
                return None
            self.connections += 1
        reader, writer = self._streams
        started = time.perf_counter()
        try:
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            body = await reader.readexactly(int(fields[b"content-length"]))
        except (OSError, asyncio.IncompleteReadError):
            self.outcomes.counts[LOST] += 1
            await self.close()
            return None
        self.outcomes.add(int(head[9:12]), time.perf_counter() - started)
        if fields.get(b"connection") == b"close":
            await self.close()
        return body

    async def close(self) -> None:
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def keep_asking(
    address: str,
    request: bytes | Callable[[], bytes],
    *,
    n_connections: int,
    until: Callable[[], bool],
    outcomes: Outcomes | None = None,
) -> Outcomes:
    """Ask over several connections, each as soon as it is answered, until told to stop; a closed loop."""
    outcomes = outcomes or Outcomes()

    async def one() -> None:
        client = Client(address, outcomes)
        while not until():
            if await client.ask(request() if callable(request) else request) is None:
                await asyncio.sleep(0.01)
        await client.close()

    await asyncio.gather(*(one() for _ in range(n_connections)))
    return outcomes


async def ask_at_a_rate(
    address: str, request: bytes, *, a_second: float, seconds: float, n_connections: int = 1000
) -> Outcomes:
    """Ask at a given rate, whether answers come or not; an open loop."""
    outcomes = Outcomes()
    idle = [Client(address, outcomes) for _ in range(n_connections)]
    running: set[asyncio.Task[None]] = set()

    async def one(client: Client) -> None:
        await client.ask(request)
        idle.append(client)

    started = time.perf_counter()
    n = 0
    while (now := time.perf_counter() - started) < seconds:
        while n < now * a_second:
            n += 1
            if not idle:
                raise RuntimeError(f"{n_connections} connections wait for an answer: is the service alive?")
            task = asyncio.create_task(one(idle.pop()))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(0.001)
    await asyncio.gather(*running)
    await asyncio.gather(*(client.close() for client in idle))
    return outcomes


@contextmanager
def slow_clients(
    address: str, n: int, beginning: bytes, *, from_many_addresses: bool = False
) -> Iterator[list[socket.socket]]:
    """Hold connections that have sent the beginning of a request, and send no more.

    They come from one address, or from as many of the loopback network (Linux).
    """
    url = urlsplit(address)
    with ExitStack() as stack:
        sockets = []
        for i in range(n):
            source = (f"127.0.{1 + i // 250}.{1 + i % 250}", 0) if from_many_addresses else None
            sockets.append(
                stack.enter_context(
                    socket.create_connection((url.hostname, url.port), timeout=30, source_address=source)
                )
            )
            sockets[-1].sendall(beginning)
        yield sockets
