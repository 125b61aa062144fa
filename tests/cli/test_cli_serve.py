"""`windowclf serve`: the real command, on a real port, with real models."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner, Result

from windowclf_cli.main import cli

SERVE = [sys.executable, "-c", "from windowclf_cli.main import cli; cli()", "serve"]
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def serve(*arguments: object) -> Result:
    """Run a command that ends by itself, because something is wrong."""
    return CliRunner().invoke(cli, ["serve", *map(str, arguments)])


@contextmanager
def running(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the command on a free port; yield the process and the one line that it prints."""
    command = [*SERVE, *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield process, process.stderr.readline()
        finally:
            process.kill()


def address_in(line: str) -> str:
    found = re.search(r"at (http://127\.0\.0\.1:\d+);", line)
    assert found is not None, line
    return found[1]


def answer(address: str, path: str, body: str | None = None) -> Any:
    data = None if body is None else body.encode()
    request = Request(address + path, data, {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as response:
        return json.load(response)


def data_of_curl(text: str) -> str:
    """Return the body that a curl command posts to /v1/tag."""
    found = re.search(r"curl http://\S+/v1/tag -H 'Content-Type: application/json' -d '(.*)'", text)
    assert found is not None, text
    return found[1]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(sample_model: Path, sign: signal.Signals) -> None:
    with running(sample_model) as (process, line):
        address = address_in(line)
        assert f"curl {address}/v1/tag" in line
        found = answer(address, "/v1/tag", data_of_curl(line))
        assert found["model"] == sample_model.name
        (entity,) = found["results"][0]["entities"]
        assert (entity["entity_group"], entity["word"], entity["start"]) == ("LOC", "Paris", 11)
        assert answer(address, "/v2/health/ready") == {"ready": True}
        process.send_signal(sign)
        _, rest = process.communicate(timeout=30)
        assert (process.returncode, rest) == (0, "")


def test_several_models_go_by_the_names_of_their_directories(sample_model: Path, tmp_path: Path) -> None:
    other = shutil.copytree(sample_model / "model", tmp_path / "other")
    with running(sample_model, f"{other}/", "--threads-of-server", "1", "--threads", "1") as (_, line):
        address = address_in(line)
        names = [model["name"] for model in answer(address, "/v1/models")["models"]]
        assert names == [sample_model.name, "other"]
        body = json.dumps({"inputs": "Rome", "parameters": {"model": "other"}})
        assert answer(address, "/v1/tag", body)["model"] == "other"


def test_the_example_of_the_readme_is_answered_in_the_shape_that_it_shows(sample_model: Path) -> None:
    (block,) = (b for b in re.findall(r"```console\n(.*?)```", README, re.DOTALL) if "windowclf serve" in b)
    shown = json.loads(block[block.index("\n{") :])
    with running(sample_model) as (_, line):
        found = answer(address_in(line), "/v1/tag", data_of_curl(block))
    (shown_result,), (result,) = shown["results"], found["results"]
    assert shown.keys() == found.keys()
    assert shown_result.keys() == result.keys()
    for key in ("tokens", "entities"):
        without_scores = [{k: v for k, v in item.items() if k != "score"} for item in shown_result[key]]
        assert without_scores == [{k: v for k, v in item.items() if k != "score"} for item in result[key]]
    assert (shown_result["text"], shown_result["sentences"]) == (result["text"], result["sentences"])


def test_a_port_in_use_is_named(sample_model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = serve(sample_model, "--port", port)
    assert result.exit_code == 2
    assert f"127.0.0.1:{port}: cannot listen there" in result.stderr
    assert "Address already in use" in result.stderr


@pytest.mark.parametrize("host", ["host.invalid", "x" * 300])
def test_a_host_that_does_not_exist_is_named(sample_model: Path, host: str) -> None:
    result = serve(sample_model, "--host", host)
    assert result.exit_code == 2
    assert f"{host}:8000: cannot listen there" in result.stderr


def test_a_damaged_model_is_refused_before_anything_listens(sample_model: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(sample_model, tmp_path / "damaged")
    arrays = damaged / "model" / "model.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-1] ^= 1
    arrays.write_bytes(content)
    result = serve(sample_model, damaged)
    assert result.exit_code == 2
    assert "damaged" in result.stderr
    assert "Serving" not in result.stderr


def test_two_models_of_one_name_are_refused_and_both_are_named(tmp_path: Path) -> None:
    result = serve(tmp_path / "a" / "mine", tmp_path / "b" / "mine")
    assert result.exit_code == 2
    assert "'mine'" in result.stderr
    assert f"{tmp_path / 'a' / 'mine'} and {tmp_path / 'b' / 'mine'}" in result.stderr


def test_other_commands_start_without_flask_and_the_server() -> None:
    code = (
        "import sys; from windowclf_cli.main import COMMANDS, cli\n"
        "for name in COMMANDS: cli.get_command(None, name)\n"
        "print(sorted({'flask', 'waitress', 'werkzeug'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
