"""The data of the tuning study: corpora, and training data of several sizes."""

from pathlib import Path

import numpy as np
import pytest

from windowclf import Config
from windowclf.config_io import override
from windowclf.errors import WindowClfError
from windowclf.runs import read_study_data
from windowclf.runs.study.data import Labelled, check_sizes

VECTORS = override(Config(), ['model.vectors="glove-6b-50d-small"'])


def numbered(n: int, seed: int = 0) -> Labelled:
    """Return sentences of 1 to 9 words, each with a number of its own in it."""
    lengths = np.random.default_rng(seed).integers(1, 10, n).tolist()
    sentences = [[str(i)] * length for i, length in enumerate(lengths)]
    return Labelled("numbers", sentences, [["X"] * len(sentence) for sentence in sentences])


def test_training_data_have_the_words_asked_for_and_no_sentence_more() -> None:
    whole = numbered(200)
    for size in (1, 50, 300, whole.n_words - 1):
        part = whole.take(str(size), seed=3)
        assert part.n_words >= size > part.n_words - 9
        assert len(part.sentences) == len(part.labels)
        assert {sentence[0] for sentence in part.sentences} <= {sentence[0] for sentence in whole.sentences}
        assert len({sentence[0] for sentence in part.sentences}) == len(part.sentences)


def test_of_a_seed_smaller_data_are_part_of_larger_ones_and_seeds_differ() -> None:
    whole = numbered(200)
    small, large, other = whole.take("50", 0), whole.take("300", 0), whole.take("50", 1)
    numbers = [{sentence[0] for sentence in part.sentences} for part in (small, large, other)]
    assert numbers[0] < numbers[1]
    assert numbers[0] != numbers[2]
    assert whole.take("50", 0).sentences == small.sentences


def test_all_is_the_whole_corpus_in_its_order() -> None:
    whole = numbered(20)
    assert whole.take("all", 7) is whole


def test_sizes_are_sorted_and_once_each() -> None:
    train = numbered(400)  # about 2,000 words
    assert check_sizes(["all", "200", "0100", "100"], train) == ("100", "200", "all")
    assert check_sizes(None, train) == ("1000", "all")


@pytest.mark.parametrize("size", ["0", "-5", "1e3", "some", "1000000", "²"])
def test_sizes_that_cannot_be_are_refused(size: str) -> None:
    with pytest.raises(WindowClfError, match="a number of words below") as caught:
        check_sizes([size], numbered(20))
    assert size in str(caught.value)


def test_no_size_is_refused() -> None:
    with pytest.raises(WindowClfError, match="none"):
        check_sizes([], numbered(20))


def test_corpora_are_told_apart_by_their_content() -> None:
    data = read_study_data(VECTORS, "sample:train", "sample:dev", "sample:test")
    assert data.span_labels
    assert data.score == "f1"
    hashes = {corpus.described.sha256 for corpus in (data.train, data.dev, data.test)}
    assert len(hashes) == 3
    one = Labelled("a", data.dev.sentences, data.dev.labels).described
    assert one.sha256 == data.dev.described.sha256
    changed = [("X", *data.dev.labels[0][1:]), *data.dev.labels[1:]]
    assert Labelled("a", data.dev.sentences, changed).described.sha256 != one.sha256


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("sample:train", "sample:dev", "sample:train"), "training and test data are the same"),
        (("sample:train", "sample:dev", "missing.conll"), "missing.conll"),
    ],
)
def test_corpora_that_make_no_study_are_refused(parts: tuple[str, str, str], message: str) -> None:
    with pytest.raises(WindowClfError, match=message):
        read_study_data(VECTORS, *parts)


def test_a_test_corpus_of_another_task_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pos.conll"
    path.write_text("a\tDET\nfox\tNOUN\n")
    with pytest.raises(WindowClfError):
        read_study_data(VECTORS, "sample:train", "sample:dev", str(path))


def test_vectors_that_are_drawn_at_random_are_refused() -> None:
    with pytest.raises(WindowClfError, match="pretrained"):
        read_study_data(
            override(Config(), ['model.vectors="random:5"']), "sample:train", "sample:dev", "sample:test"
        )
