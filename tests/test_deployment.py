"""What docs/deploy.md and the Dockerfile say is so: options, paths, metrics, numbers, gunicorn."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
import yaml  # type: ignore[import-untyped]

from windowclf import WindowTagger
from windowclf_cli.serve import command as serve
from windowclf_service.app import create_app
from windowclf_service.config import ServiceConfig
from windowclf_service.server import HEAD_SECONDS, STOP_SECONDS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
MANIFEST, SERVICE = yaml.safe_load_all(next(body for _, body in BLOCKS if "kind: Deployment" in body))
POD = MANIFEST["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
UNIT = next(body for kind, body in BLOCKS if kind == "ini")


def named(name: str) -> str:
    """Return the block whose first line is a comment that ends with a file's name."""
    blocks: list[str] = [body for _, body in BLOCKS if body.split("\n")[0].endswith(name)]
    assert len(blocks) == 1
    return blocks[0]


def docker(instruction: str) -> list[str]:
    """Return the arguments of an instruction, each time it stands in the Dockerfile."""
    return re.findall(rf"^{instruction} ((?:.*\\\n)*.*)", DOCKERFILE, re.MULTILINE)


# -- the command ----------------------------------------------------------------------------------------

PROSE_OPTIONS = set(re.findall(r"`(--[a-z-]+)", PAGE)) - {"--preload"}  # of gunicorn
COMMANDS = {
    "the unit": re.search(r"^ExecStart=\S+ serve (.*)$", UNIT, re.MULTILINE)[1].split(),  # type: ignore[index]
    "the manifest": CONTAINER["args"],
    "the image": [*json.loads(docker("ENTRYPOINT")[0])[2:], "/models/mine"],
    "the container": [
        "/models/mine",
        *re.findall(r"^ *windowclf /models/mine (.*)$", PAGE, re.MULTILINE)[0].split(),
    ],
    "the keys": re.search(r"^windowclf serve (.*)$", PAGE, re.MULTILINE)[1].split(),  # type: ignore[index]
}


def test_options_in_prose_exist() -> None:
    known = {name for parameter in serve.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert PROSE_OPTIONS
    assert PROSE_OPTIONS <= known


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
def test_the_command_takes_the_arguments_that_are_given(arguments: list[str]) -> None:
    with serve.make_context("serve", list(arguments)) as context:
        assert context.params["models"]


def test_who_ends_the_service_waits_until_it_has_ended() -> None:
    stop = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    docker_stop = re.search(r"docker stop --time (\d+)", PAGE)
    assert stop is not None and docker_stop is not None
    for seconds in (stop[1], docker_stop[1], POD["spec"]["terminationGracePeriodSeconds"]):
        assert STOP_SECONDS < float(seconds) < STOP_SECONDS + 15


def test_the_proxy_waits_longer_than_the_service_takes() -> None:
    (read_timeout,) = re.findall(r"proxy_read_timeout (\d+)s;", PAGE)
    (idle,) = re.findall(r"keepalive_timeout (\d+)s;", PAGE)
    assert int(idle) < HEAD_SECONDS
    (body,) = re.findall(r"client_max_body_size (\d+)m;", PAGE)
    defaults: dict[str | None, Any] = {parameter.name: parameter.default for parameter in serve.params}
    assert float(read_timeout) > defaults["timeout"]
    assert int(body) * 1024 * 1024 >= defaults["max_stream"]


# -- addresses and metrics --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paths(tagger: WindowTagger) -> set[str]:
    app = create_app(ServiceConfig(access_log=False), {"places": tagger})
    return {rule.rule for rule in app.url_map.iter_rules()}


def test_health_is_asked_for_where_it_is_told(paths: set[str]) -> None:
    probes = [
        CONTAINER[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")
    ]
    assert probes == ["/v2/health/ready", "/v2/health/ready", "/v2/health/live"]
    (asked,) = re.findall(r"http://127.0.0.1:8000(/\S+)'", docker("HEALTHCHECK")[0])
    assert {*probes, asked} <= paths


def test_the_metrics_are_those_that_are_told(tagger: WindowTagger) -> None:
    client = create_app(ServiceConfig(access_log=False), {"places": tagger}).test_client()
    client.post("/v1/tag", json={"inputs": "Rome"})
    told = set(
        re.findall(r"^(windowclf_\w+?)(?:_bucket)?(?:\{|\s)", client.get("/metrics").text, re.MULTILINE)
    )
    told -= {name for name in told if name.endswith(("_created", "_sum", "_count"))}
    described = re.findall(r"^\| `(windowclf_\w+)", PAGE, re.MULTILINE)
    assert set(described) == told
    asked = set(re.findall(r"\b(windowclf_\w+?)(?:_bucket)?\{", PAGE))
    assert asked <= told


# -- the manifest, the image --------------------------------------------------------------------------------


def test_every_yaml_block_is_yaml() -> None:
    blocks = [body for kind, body in BLOCKS if kind == "yaml"]
    assert len(blocks) == 3
    for body in blocks:
        assert all(isinstance(document, dict) for document in yaml.safe_load_all(body))


def test_the_manifests_parts_fit_together() -> None:
    labels = POD["metadata"]["labels"]
    assert MANIFEST["spec"]["selector"]["matchLabels"] == labels == SERVICE["spec"]["selector"]
    (port,) = CONTAINER["ports"]
    assert SERVICE["spec"]["ports"][0]["targetPort"] == port["name"]
    assert port["containerPort"] == int(docker("EXPOSE")[0]) == 8000
    assert {m["name"] for m in CONTAINER["volumeMounts"]} == {v["name"] for v in POD["spec"]["volumes"]}
    mounts = [m["mountPath"] for m in CONTAINER["volumeMounts"]]
    for argument in CONTAINER["args"]:
        if argument.startswith("/"):
            assert any(argument.startswith(f"{mount}/") for mount in mounts)


def test_a_container_is_nobody_and_changes_nothing() -> None:
    user = POD["spec"]["securityContext"]
    assert docker("USER") == [f"{user['runAsUser']}:{user['runAsGroup']}"]
    assert user["runAsNonRoot"]
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_image_is_made_of_what_docker_is_sent() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for line in docker("COPY") if "--from" not in line for source in line.split()[:-1]}
    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "windowclf.service"
    unit.write_text(UNIT.replace("/opt/windowclf/bin/windowclf", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# -- gunicorn ---------------------------------------------------------------------------------------------

KEY = "a-key-for-gunicorn"


@pytest.fixture(scope="module")
def gunicorn(sample_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Gunicorn, set up as the page says: its address and the process above its workers."""
    folder = tmp_path_factory.mktemp("gunicorn")
    for name in ("wsgi.py", "gunicorn.conf.py"):
        (folder / name).write_text(named(name), encoding="utf-8")
    log_file = folder / "log"
    environment = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"}
    environment |= {"WINDOWCLF_MODELS": str(sample_model), "WINDOWCLF_KEYS": KEY, "HOME": str(folder)}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", "127.0.0.1:0"],
            cwd=folder,
            env=environment | {"TMPDIR": str(folder)},
            stderr=log,
        )
    try:
        yield wait_for_address(log_file, process), process.pid
    finally:
        process.terminate()
        process.wait(timeout=40)
    assert not list(folder.glob("windowclf-metrics-*"))


def wait_for_address(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until gunicorn answers, and return where."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"Listening at: (http://\S+)", log.read_text()):
            try:
                ask(found[1] + "/v2/health/ready")
            except URLError:
                pass
            else:
                return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def ask(url: str, body: object = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"} | headers)
    with urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def test_gunicorn_serves_the_application_with_keys_and_the_sums_of_all_workers(
    gunicorn: tuple[str, int],
) -> None:
    address, pid = gunicorn
    with pytest.raises(HTTPError, match="401") as refused:
        ask(f"{address}/v1/tag", {"inputs": "museums in Paris"})
    refused.value.close()
    for _ in range(8):
        answer = ask(f"{address}/v1/tag", {"inputs": "museums in Paris"}, Authorization=f"Bearer {KEY}")
        assert json.loads(answer)["results"][0]["entities"][0]["word"] == "Paris"
    count = 'windowclf_requests_total{method="POST",route="/v1/tag",status="200"} 8.0'
    assert count in ask(f"{address}/metrics")
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for worker in workers:
        os.kill(int(worker), 9)
    end = time.monotonic() + 60
    while set(workers) & set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert count in ask(f"{address}/metrics")
