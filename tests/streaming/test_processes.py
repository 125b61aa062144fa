"""Several processes: in order, in flat memory, and ended together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from windowclf.errors import DataError, WindowClfError
from windowclf.streaming import map_in_processes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def square(i: int) -> int:
    time.sleep(0.02 * (i % 3 == 0))  # so that later ones are done before
    return i * i


@pytest.mark.parametrize("n_processes", [1, 2, 5])
@pytest.mark.parametrize("n_items", [0, 1, 40])
def test_results_come_in_the_order_of_the_items(n_items: int, n_processes: int) -> None:
    results = map_in_processes(square, range(n_items), n_processes)
    assert list(results) == [i * i for i in range(n_items)]


def own_pid(_: int) -> int:
    """Take long enough for others to get something to do."""
    time.sleep(0.01)
    return os.getpid()


def test_other_processes_do_the_work_and_end_with_it() -> None:
    pids = set(map_in_processes(own_pid, range(20), 2))
    assert len(pids) == 2
    assert os.getpid() not in pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_large_items_and_results_pass() -> None:
    items = [bytes([i]) * 3_000_000 for i in range(6)]
    assert list(map_in_processes(lambda item: item[::-1], items, 2)) == items


def test_items_are_taken_only_as_they_are_needed() -> None:
    taken = []

    def items() -> Iterator[int]:
        for i in range(1000):
            taken.append(i)
            yield i

    with closing(map_in_processes(square, items(), 2)) as results:
        for expected in range(10):
            assert next(results) == expected * expected
            assert len(taken) <= expected + 1 + 2 * 2


def test_results_do_not_wait_for_a_source_that_is_silent() -> None:
    readable, writable = os.pipe()

    def items() -> Iterator[bytes]:
        while (item := os.read(readable, 1)) != b".":
            yield item

    with closing(map_in_processes(bytes.upper, items(), 2, source=readable)) as results:
        for letter in (b"a", b"b", b"c"):
            os.write(writable, letter)
            assert next(results) == letter.upper()  # although the pipe is open
        os.write(writable, b".")
        assert list(results) == []
    os.close(readable)
    os.close(writable)


def test_a_source_that_never_keeps_one_waiting_is_shared_out(tmp_path: Path) -> None:
    (tmp_path / "items").touch()
    with open(tmp_path / "items") as file:
        pids = list(map_in_processes(own_pid, range(20), 2, source=file.fileno()))
    assert (len(pids), len(set(pids))) == (20, 2)


def test_an_error_comes_after_the_results_before_it() -> None:
    def check(i: int) -> int:
        if i in (5, 7):
            raise DataError("not usable", where="x", line=i, found="y", allowed="z", hint="Do so.")
        return i

    results = map_in_processes(check, range(20), 2)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(DataError) as caught:
        next(results)
    assert str(caught.value) == "x:5: not usable; found 'y'; allowed: z. Do so."
    assert (caught.value.where, caught.value.line) == ("x", 5)


def test_an_unforeseen_error_says_where_it_was_raised() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        list(map_in_processes(lambda i: 1 // i, [0], 2))
    assert "map_in_processes(lambda i: 1 // i" in "".join(caught.value.__notes__)


def test_an_error_among_the_items_comes_after_their_results() -> None:
    def items() -> Iterator[int]:
        yield from range(4)
        raise DataError("cannot be read")

    results = map_in_processes(square, items(), 2)
    assert [next(results) for _ in range(4)] == [0, 1, 4, 9]
    with pytest.raises(DataError, match="cannot be read"):
        next(results)


def test_a_process_that_dies_is_an_error() -> None:
    def die(i: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(WindowClfError, match="exit status -9"):
        list(map_in_processes(die, range(4), 2))


def test_a_system_without_fork_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    with pytest.raises(WindowClfError, match="need fork"):
        list(map_in_processes(square, [1], 2))


ENDLESS = """
import itertools, os
from windowclf.streaming.processes import map_in_processes
for pid in map_in_processes(lambda _: os.getpid(), itertools.count(), 2):
    print(pid, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_made_them(number: signal.Signals) -> None:
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        pids = {int(process.stdout.readline()) for _ in range(200)}
        # a terminal sends SIGINT to all of its processes
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        process.stdout.read()
        printed = process.stderr.read()
        assert process.wait() == -number
    assert printed.count("Traceback") == (number == signal.SIGINT)
    end = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}/exe") for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.01)
