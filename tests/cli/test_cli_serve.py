"""`windowclf serve`: the real command, on a real port, with real models."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from windowclf_cli.main import cli

pytestmark = pytest.mark.slow  # processes and a browser

ROOT = Path(__file__).parents[2]
README = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/serving.md"))


def serve(*arguments: object) -> Result:
    """Run a command that ends by itself, because something is wrong."""
    return CliRunner().invoke(cli, ["serve", *map(str, arguments)])


def data_of_curl(text: str) -> bytes:
    """Return the body that a curl command posts to /v1/tag."""
    found = re.search(r"curl http://\S+/v1/tag -H 'Content-Type: application/json' -d '(.*)'", text)
    assert found is not None, text
    return found[1].encode()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(
    sample_model: Path, start_service: Callable[..., Any], sign: signal.Signals
) -> None:
    service = start_service(sample_model, "--grace", 0.2)
    assert f"curl {service.address}/v1/tag" in service.line
    _, found, _ = service.ask("/v1/tag", data_of_curl(service.line))
    assert found["model"] == sample_model.name
    (entity,) = found["results"][0]["entities"]
    assert (entity["entity_group"], entity["word"], entity["start"]) == ("LOC", "Paris", 11)
    assert service.ask("/v2/health/ready")[1] == {"ready": True}
    assert service.stop(sign) == 0
    assert {line["level"] for line in service.log()} == {"info"}


def test_several_models_go_by_the_names_of_their_directories(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    other = shutil.copytree(sample_model / "model", tmp_path / "other")
    service = start_service(sample_model, f"{other}/", "--workers", 1, "--threads", 2, "--table-mb", 8)
    names = [model["name"] for model in service.ask("/v1/models")[1]["models"]]
    assert names == [sample_model.name, "other"]
    body = {"inputs": "Rome", "parameters": {"model": "other"}}
    assert service.ask("/v1/tag", body)[1]["model"] == "other"
    assert service.stop(signal.SIGINT) == 0


def test_a_model_can_be_given_a_name(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    odd = shutil.copytree(sample_model / "model", tmp_path / "a=b")
    service = start_service(f"places={sample_model}", odd, f"{tmp_path.name}={odd}", "--workers", 1)
    assert service.line.startswith(f"Serving places, a=b, {tmp_path.name} at ")
    names = [model["name"] for model in service.ask("/v1/models")[1]["models"]]
    assert names == ["places", "a=b", tmp_path.name]
    assert service.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("second", ["ner-en", "ner-en=ner-en"])
def test_a_model_that_is_given_twice_is_refused_as_such(second: str) -> None:
    result = serve("ner-en", second)
    assert result.exit_code == 2
    assert "the model 'ner-en' is given twice" in result.stderr


def test_the_example_of_the_readme_is_answered_in_the_shape_that_it_shows(
    sample_model: Path, start_service: Callable[..., Any]
) -> None:
    (block,) = (b for b in re.findall(r"```console\n(.*?)```", README, re.DOTALL) if "windowclf serve" in b)
    shown = json.loads(block[block.index("\n{") :])
    service = start_service(sample_model)
    _, found, _ = service.ask("/v1/tag", data_of_curl(block))
    (shown_result,), (result,) = shown["results"], found["results"]
    assert shown.keys() == found.keys()
    assert shown_result.keys() == result.keys()
    for key in ("tokens", "entities"):
        without_scores = [{k: v for k, v in item.items() if k != "score"} for item in shown_result[key]]
        assert without_scores == [{k: v for k, v in item.items() if k != "score"} for item in result[key]]
    assert (shown_result["text"], shown_result["sentences"]) == (result["text"], result["sentences"])
    assert service.stop(signal.SIGINT) == 0


def test_the_curl_commands_of_the_readme_are_answered(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    commands = [line for line in lines if "curl " in line]
    assert len(commands) >= 7
    service = start_service(shutil.copytree(sample_model / "model", tmp_path / "mine"), "--workers", 1)
    for command in commands:
        here = command.replace("http://127.0.0.1:8000", service.address).replace("curl ", "curl -sS --fail ")
        done = subprocess.run(["bash", "-c", here], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), command
        assert "Paris" in done.stdout or "mine" in done.stdout or "Rome" in done.stdout, command
    assert service.stop(signal.SIGINT) == 0


def test_options_become_limits_and_keys(
    sample_model: Path, start_service: Callable[..., Any], tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("# for the tests\nfirst-key-of-this-test\n")
    service = start_service(
        *(sample_model, "--workers", 1, "--keys-file", keys, "--origin", "https://example.org"),
        *("--max-body", 200, "--max-inputs", 2, "--max-characters", 10, "--max-stream", 100),
        WINDOWCLF_KEYS="second-key-of-this-test",
    )
    assert service.ask("/v1/tag", {"inputs": "Rome"})[0] == 401
    for key in ("first-key-of-this-test", "second-key-of-this-test"):
        known = {"Authorization": f"Bearer {key}"}
        status, _, headers = service.ask("/v1/tag", {"inputs": "Rome"}, Origin="https://example.org", **known)
        assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://example.org")
    assert service.ask("/v1/tag", {"inputs": ["a", "b", "c"]}, **known)[0] == 422
    assert service.ask("/v1/tag", {"inputs": "Rome is an old city"}, **known)[0] == 422
    assert service.ask("/v1/tag", b" " * 201, **known)[0] == 413
    lines = b'"Rome"\n' * 20
    assert service.ask("/v1/tag", lines, **known | {"Content_Type": "application/x-ndjson"})[0] == 413
    assert service.ask("/v2/health/ready")[0] == 200
    assert service.stop(signal.SIGINT) == 0


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


def test_a_file_of_keys_that_is_wrong_is_refused_without_telling_the_key(
    sample_model: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("a-key-that-is-long-enough\nshort\n")
    result = serve(sample_model, "--keys-file", keys)
    assert result.exit_code == 2
    assert f"{keys}:2" in result.stderr
    assert "'short'" not in result.stderr


def test_other_commands_start_without_flask_and_the_server() -> None:
    code = (
        "import sys; from windowclf_cli.main import COMMANDS, cli\n"
        "for name in COMMANDS: cli.get_command(None, name)\n"
        "print(sorted({'flask', 'prometheus_client', 'granian', 'werkzeug'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
