"""Any text at all: offsets hold, whatever it is made of."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from windowclf import WindowTagger
from windowclf_service.app import create_app
from windowclf_service.config import ServiceConfig

# emoji of several code points, combining marks, right-to-left, a NUL, an odd space, characters beyond 16 bits
STRANGE = {
    "👩‍👩‍👧 museums in Paris 🇫🇷 are amazing": "Paris",
    "Cafe\u0301 in Paris , e\u0301te\u0301 in Rome": "Paris",
    "שלום museums in Paris are amazing مرحبا بالعالم": "Paris",
    "Hi \x00 Paris\u00a0is \U0001d4d0 \ufeff﷽": "Paris",
    "Rome is old.\r\n\r\n  New  York , Paris , Rome  ": "New  York",
}
PIECES = (
    *("Paris", "New York", "in", ".", " ", "\n", "\u00a0", "\u2028", "\x00", "\x1f", "\x7f", "\ufeff"),
    *(
        "e\u0301",
        "\u0301",
        "\u200d",
        "👩‍👩‍👧",
        "🇫🇷",
        "👍🏽",
        "\U0001d4d0",
        "\ufdfd",
        "\u202e",
        "שלום",
        "مرحبا",
        "漢字",
        "\U0010ffff",
    ),
)
texts = st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=20).map("".join)
tokens = st.lists((st.text(min_size=1, max_size=12) | st.sampled_from(PIECES)), max_size=12)


@pytest.fixture(scope="module")
def client(tagger: WindowTagger) -> FlaskClient:
    return create_app(ServiceConfig(access_log=False), {"places": tagger}).test_client()


def tag(client: FlaskClient, value: Any) -> dict[str, Any]:
    response = client.post("/v1/tag", json={"inputs": [value]})
    assert response.status_code == 200, response.text
    (result,) = response.json["results"]  # type: ignore[index]
    return dict(result)


def check_offsets(result: dict[str, Any]) -> None:
    text = result["text"]
    for token in result["tokens"]:
        assert text[token["start"] : token["end"]] == token["text"]
    for entity in result["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["word"]
    sentences = [text[sentence["start"] : sentence["end"]] for sentence in result["sentences"]]
    assert "".join("".join(sentences).split()) == "".join(text.split())


@pytest.mark.parametrize(("text", "word"), STRANGE.items())
def test_offsets_count_code_points_of_the_text_as_it_came(client: FlaskClient, text: str, word: str) -> None:
    result = tag(client, text)
    assert result["text"] == text
    check_offsets(result)
    assert word in [entity["word"] for entity in result["entities"]]


@given(text=texts)
def test_offsets_hold_for_any_text(client: FlaskClient, text: str) -> None:
    result = tag(client, text)
    assert result["text"] == text
    check_offsets(result)


@given(given_tokens=tokens)
def test_offsets_hold_for_any_tokens(client: FlaskClient, given_tokens: list[str]) -> None:
    result = tag(client, given_tokens)
    assert result["text"] == " ".join(given_tokens)
    assert [token["text"] for token in result["tokens"]] == given_tokens
    check_offsets(result)


@given(text=texts)
def test_explanations_stand_where_tokens_do(client: FlaskClient, text: str) -> None:
    response = client.post("/v1/explain", json={"inputs": text})
    (explained,) = response.json["results"]  # type: ignore[index]
    tagged = tag(client, text)
    places = [
        [(token["text"], token["start"], token["end"], token["label"]) for token in result["tokens"]]
        for result in (explained, tagged)
    ]
    assert places[0] == places[1]
    assert (explained["text"], explained["sentences"]) == (text, tagged["sentences"])


@given(lines=st.lists(texts | tokens, min_size=1, max_size=5))
def test_a_line_is_a_line_whatever_stands_in_it(client: FlaskClient, lines: list[Any]) -> None:
    # written as it is: of all line breaks, JSON must escape none but those of ASCII
    body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    response = client.post("/v1/tag", data=body.encode(), content_type="application/x-ndjson")
    results = [json.loads(line) for line in response.data.split(b"\n")[:-1]]
    assert [result["text"] for result in results] == [
        line if isinstance(line, str) else " ".join(line) for line in lines
    ]
    for result in results:
        check_offsets(result)


@given(before=texts, surrogate=st.characters(categories=["Cs"]), after=texts)
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(
    client: FlaskClient, before: str, surrogate: str, after: str
) -> None:
    body = json.dumps({"inputs": f"{before} {surrogate} {after}"}).encode()
    assert rf"\u{ord(surrogate):x}".encode() in body
    assert client.post("/v1/tag", data=body, content_type="application/json").status_code == 400


def test_an_escaped_surrogate_pair_is_one_character(client: FlaskClient) -> None:
    body = rb'{"inputs": "\ud83d\ude00 in Paris"}'
    response = client.post("/v1/tag", data=body, content_type="application/json")
    assert [token["start"] for token in response.json["results"][0]["tokens"]] == [0, 2, 5]  # type: ignore[index]


@pytest.mark.parametrize("word", ["x", "é", "漢"], ids=ascii)
def test_a_word_of_almost_a_megabyte_is_a_word(client: FlaskClient, word: str) -> None:
    long = word * (999_900 // len(word.encode()))
    body = json.dumps({"inputs": long}, ensure_ascii=False).encode()
    response = client.post("/v1/tag", data=body, content_type="application/json")
    (token,) = response.json["results"][0]["tokens"]  # type: ignore[index]
    assert (token["text"], token["start"], token["end"]) == (long, 0, len(long))
