"""Requests of several threads at once: tagged together, each answered as if it were alone."""

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import ServiceUnavailable

from windowclf import WindowTagger
from windowclf_service.app import create_app
from windowclf_service.batching import LONG_AT_ONCE, MOST_TOGETHER, Batcher, Deadline
from windowclf_service.config import Limits, ServiceConfig

PATIENT = 60.0  # seconds: the machine may be busy


class Work:
    """Doubles numbers; the first batch waits until it may go on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        assert self.may_go_on.wait(PATIENT)
        if -1 in items:
            raise ValueError("-1 cannot be doubled")
        return [2 * item for item in items]


def wait_until_waiting(batcher: Batcher[int, int], n: int) -> None:
    end = time.monotonic() + PATIENT
    while len(batcher._waiting) < n:
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def batcher(work: Work) -> Batcher[int, int]:
    return Batcher(work)


def test_what_comes_while_others_work_is_done_together(work: Work, batcher: Batcher[int, int]) -> None:
    n = 2 * MOST_TOGETHER + 3
    with ThreadPoolExecutor(n + 1) as threads:
        first = threads.submit(batcher.do, 1000, Deadline(PATIENT))
        assert work.begun.wait(PATIENT)
        others = [threads.submit(batcher.do, i, Deadline(PATIENT)) for i in range(n)]
        wait_until_waiting(batcher, n)
        work.may_go_on.set()
        assert first.result(PATIENT) == 2000
        assert [other.result(PATIENT) for other in others] == [2 * i for i in range(n)]
    assert [len(batch) for batch in work.batches] == [1, MOST_TOGETHER, MOST_TOGETHER, 3]
    assert batcher.do(7, Deadline(PATIENT)) == 14


def test_an_item_that_fails_does_not_fail_the_others(work: Work, batcher: Batcher[int, int]) -> None:
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(batcher.do, 1, Deadline(PATIENT))
        assert work.begun.wait(PATIENT)
        others = [threads.submit(batcher.do, i, Deadline(PATIENT)) for i in (2, -1, 3)]
        wait_until_waiting(batcher, 3)
        work.may_go_on.set()
        assert first.result(PATIENT) == 2
        assert (others[0].result(PATIENT), others[2].result(PATIENT)) == (4, 6)
        with pytest.raises(ValueError, match="cannot be doubled"):
            others[1].result(PATIENT)


def test_what_was_not_begun_in_time_is_refused_and_never_done(work: Work, batcher: Batcher[int, int]) -> None:
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(batcher.do, 1, Deadline(PATIENT))
        assert work.begun.wait(PATIENT)
        late = threads.submit(batcher.do, 2, Deadline(0.05))
        patient = threads.submit(batcher.do, 3, Deadline(PATIENT))
        with pytest.raises(ServiceUnavailable, match=r"within 0\.05 seconds"):
            late.result(PATIENT)
        wait_until_waiting(batcher, 1)
        work.may_go_on.set()
        assert (first.result(PATIENT), patient.result(PATIENT)) == (2, 6)
    assert work.batches == [[1], [3]]


def test_what_was_begun_in_time_is_answered_however_long_it_takes(
    work: Work, batcher: Batcher[int, int]
) -> None:
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(batcher.do, 1, Deadline(0.05))
        time.sleep(0.2)
        work.may_go_on.set()
        assert first.result(PATIENT) == 2


def test_nobody_is_forgotten_when_many_give_up() -> None:
    def double_slowly(items: Sequence[int]) -> list[int]:
        time.sleep(0.002)
        return [2 * item for item in items]

    work_slowly: Batcher[int, int] = Batcher(double_slowly)

    def ask(i: int) -> int:
        try:
            return work_slowly.do(i, Deadline(0.001 * (i % 5)))
        except ServiceUnavailable:
            return 2 * i

    with ThreadPoolExecutor(24) as threads:
        assert list(threads.map(ask, range(1500))) == [2 * i for i in range(1500)]
    assert not work_slowly._waiting and not work_slowly._is_led


def test_only_a_few_long_pieces_of_work_are_done_at_once(batcher: Batcher[int, int]) -> None:
    with ThreadPoolExecutor(1) as threads, batcher.long_work(), batcher.long_work():
        assert LONG_AT_ONCE == 2

        def one_more() -> None:
            with batcher.long_work(Deadline(0.05)):
                pass

        with pytest.raises(ServiceUnavailable, match=r"within 0\.05 seconds"):
            threads.submit(one_more).result(PATIENT)
    with batcher.long_work(Deadline(PATIENT)):
        pass


# -- through the application ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(tagger: WindowTagger, classes: WindowTagger) -> FlaskClient:
    config = ServiceConfig(limits=Limits(inputs=3, characters=100), access_log=False)
    return create_app(config, {"places": tagger, "classes": classes}).test_client()


def ask_all(client: FlaskClient, bodies: list[bytes], n_threads: int) -> list[Any]:
    """Return the status and the body of the answers to requests that come at once."""

    def ask(body: bytes) -> tuple[int, Any]:
        answer = client.application.test_client().post("/v1/tag", data=body, content_type="application/json")
        return answer.status_code, json.loads(answer.data)

    with ThreadPoolExecutor(n_threads) as threads:
        return list(threads.map(ask, bodies))


def close_to(value: Any) -> Any:
    """Return what answers are like: products of several rows differ in the last digits; ids are new."""
    if isinstance(value, dict):
        return {key: close_to(inner) for key, inner in value.items() if key != "request_id"}
    if isinstance(value, list | tuple):
        return type(value)(map(close_to, value))
    return pytest.approx(value, abs=1e-5) if isinstance(value, float) else value


def without_ids(value: Any) -> Any:
    status, body = value
    return status, {key: inner for key, inner in body.items() if key != "request_id"}


def test_requests_of_all_kinds_are_answered_as_if_alone(client: FlaskClient) -> None:
    plain = [
        {"inputs": "museums in Paris are amazing"},
        {"inputs": ["Rome is old.", ""]},
        {"inputs": [["we", "watched", "TV"], []]},
        {"inputs": "Rome", "parameters": {"model": "classes"}},
        {"inputs": "Rome", "parameters": {"aggregation": "none", "top": 2}},
        {"inputs": "Rome", "parameters": {"probabilities": True}},
        {"inputs": []},
        {"inputs": ["a", "b", "c", "d"]},
        {"inputs": "Rome", "parameters": {"model": "none of them"}},
        {"inputs": 3},
    ]
    bodies = [json.dumps(body).encode() for body in plain] + [b"", b"{"]
    alone = ask_all(client, bodies, 1)
    assert [status for status, _ in alone] == [200] * 7 + [422] * 3 + [400] * 2
    together = ask_all(client, bodies * 20, 24)
    assert [without_ids(answer) for answer in together] == [close_to(answer) for answer in alone] * 20


@settings(max_examples=20)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), min_size=1, max_size=30))
def test_texts_are_answered_alike_however_many_come_at_once(client: FlaskClient, texts: list[str]) -> None:
    bodies = [json.dumps({"inputs": text}).encode() for text in texts]
    alone = ask_all(client, bodies, 1)
    assert [without_ids(answer) for answer in ask_all(client, bodies, 16)] == list(map(close_to, alone))
