"""Bearer keys: where they come from, what is refused, and that no message shows one."""

import hmac
from pathlib import Path

import pytest

from windowclf.errors import ConfigError
from windowclf_service.security import Keys, keys_from_environment, read_keys

A, B, C = "a" * 16, "~!@#$%^&*()_+{}|", "c0ffee" * 11


def test_a_file_holds_a_key_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_bytes(f"# ours\n{A}\n\n  {B}\t\r\n   # theirs: {'x' * 20}\n{C}".encode())
    assert read_keys(file) == (A, B, C)


@pytest.mark.parametrize(
    "wrong",
    ["short", "fifteen-letters", "a key with spaces in it", "sixteen-letters-é", "\x07" * 16, A + "\v"],
)
def test_an_unusable_key_is_named_by_its_line_and_not_shown(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n\n{A}\n{wrong}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_keys(file)
    assert str(error.value).startswith(
        f"{file}:4: this key cannot be used; allowed: at least 16 visible ASCII"
    )
    assert wrong not in str(error.value)


@pytest.mark.parametrize("content", ["", "\n\n", "# no key yet\n"])
def test_a_file_without_a_key_does_not_open_the_service(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"keys: the file has no key"):
        read_keys(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing: cannot read the file of keys; found 'No such file"):
        read_keys(tmp_path / "nothing")


def test_the_environment_holds_keys_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINDOWCLF_KEYS", raising=False)
    assert keys_from_environment() == ()
    monkeypatch.setenv("WINDOWCLF_KEYS", f"{A}, {C},")
    assert keys_from_environment() == (A, C)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "the environment variable has no key"),
        (" , ", "the environment variable has no key"),
        (f"{A},short", "this key cannot"),
    ],
)
def test_a_variable_without_a_usable_key_does_not_open_the_service(
    monkeypatch: pytest.MonkeyPatch, value: str, problem: str
) -> None:
    monkeypatch.setenv("WINDOWCLF_KEYS", value)
    with pytest.raises(ConfigError, match=f"WINDOWCLF_KEYS: {problem}") as error:
        keys_from_environment()
    assert "short" not in str(error.value)


@pytest.mark.parametrize("key", [A, B, C])
def test_each_key_opens(key: str) -> None:
    assert Keys([A, B, C]).accept(key.encode())


@pytest.mark.parametrize("key", ["", A[:-1], A + "a", A.upper(), A + B, f"{A},{B}", "é"])
def test_nothing_else_opens(key: str) -> None:
    assert not Keys([A, B, C]).accept(key.encode())


@pytest.mark.parametrize("given", [A, B, C, "", "x" * 5000])
def test_every_key_is_compared_in_constant_time_whichever_is_given(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    lengths: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def spy(own: bytes, other: bytes) -> bool:
        lengths.append((len(own), len(other)))
        return compare(own, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    Keys([A, B, C]).accept(given.encode())
    assert lengths == [(32, 32)] * 3  # digests: not even the length of a key can be measured
