"""The checks of a network: a right one passes, and a planted fault fails the check that is there for it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from windowclf import Config, FeaturesConfig, TrainingConfig
from windowclf.arrays import Floats, Ints
from windowclf.corpus import LabelSet, Scheme
from windowclf.encoding import BOUNDARY_ROW, UNKNOWN
from windowclf.errors import DataError
from windowclf.inspection import Verdict, check_network, network_check, network_gradients
from windowclf.inspection.first_loss import first_loss_interval, sentence_loss_interval
from windowclf.inspection.network_check import attainable_accuracy
from windowclf.inspection.network_data import choose_data, choose_sentences, choose_windows, judge
from windowclf.model import network as model_module
from windowclf.model.viterbi import legal_pairs
from windowclf.nn import (
    ACTIVATIONS,
    RowGradient,
    crf_loss,
    embedding,
    softmax_cross_entropy,
    word_embedding,
    xavier_uniform,
)
from windowclf.training import TrainingData, objectives

Labelled = tuple[list[list[str]], list[list[str]]]
NARROW, SAMPLE, FIRST_LOSS, OVERFIT = (
    "gradients of a narrow copy",
    "gradients of the network",
    "first loss",
    "over-fitting",
)


@pytest.fixture
def real(config: Config) -> Config:
    """The small configuration on vectors that are loaded by name, with a fixed random mask of dropout."""
    return replace(config, model=replace(config.model, vectors="glove-6b-50d-small", dropout=0.3))


def crf(config: Config) -> Config:
    return replace(config, model=replace(config.model, loss="crf"))


def failed(config: Config, corpus: Labelled, seed: int = 0) -> dict[str, Verdict]:
    verdicts = check_network(config, *corpus, seed=seed)
    assert [verdict.name for verdict in verdicts] == [NARROW, SAMPLE, FIRST_LOSS, OVERFIT]
    return {verdict.name: verdict for verdict in verdicts if not verdict.passed}


# -- right networks ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "hidden", "tuning"),
    [
        ("relu", (12,), "frozen"),
        ("relu", (12, 8), "tuned"),
        ("tanh", (12,), "tuned"),
        ("tanh", (12, 8), "frozen"),
        ("logistic", (12,), "frozen"),
        ("logistic", (12, 8), "tuned"),
        ("relu", (12,), "two-channel"),
    ],
)
def test_a_right_network_passes(
    real: Config, corpus: Labelled, activation: Any, hidden: tuple[int, ...], tuning: Any
) -> None:
    model = replace(real.model, activation=activation, hidden=hidden, tuning=tuning)
    assert failed(replace(real, model=model), corpus) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("features", "hidden", "window"),
    [
        (FeaturesConfig(case_dimension=0, affix_dimension=0), (12,), 5),
        (FeaturesConfig(case_dimension=2, affix_dimension=0), (), 5),
        (FeaturesConfig(case_dimension=0, affix_dimension=2, buckets=30), (12,), 1),
        (FeaturesConfig(case_dimension=2, affix_dimension=2, buckets=30), (12,), 9),
    ],
)
def test_a_right_network_passes_whatever_its_features_and_window(
    real: Config, corpus: Labelled, features: FeaturesConfig, hidden: tuple[int, ...], window: int
) -> None:
    model = replace(real.model, hidden=hidden, window=window)
    assert failed(replace(real, model=model, features=features), corpus) == {}


@pytest.mark.slow
@pytest.mark.parametrize("inner_scheme", ["IOB2", "IOBES"])
@pytest.mark.parametrize("tuning", ["frozen", "two-channel"])
def test_a_right_network_of_sentences_passes(
    real: Config, corpus: Labelled, inner_scheme: Any, tuning: Any
) -> None:
    model = replace(real.model, loss="crf", inner_scheme=inner_scheme, tuning=tuning)
    assert failed(replace(real, model=model), corpus) == {}


@pytest.mark.slow
def test_a_right_network_of_sentences_passes_where_labels_are_classes_and_some_are_not_known(
    real: Config, corpus: Labelled
) -> None:
    labels = [
        ["_" if i == n % 7 else name[0] for i, name in enumerate(names)] for n, names in enumerate(corpus[1])
    ]
    assert failed(crf(real), (corpus[0], labels)) == {}


def test_every_transition_is_checked(real: Config, corpus: Labelled) -> None:
    data = choose_data(crf(real), *corpus, seed=0)
    plain = choose_data(real, *corpus, seed=0)
    n_more = (len(data.labels) + 1) ** 2
    counts = [
        int(verdict.detail.split()[3].replace(",", ""))
        for verdict in map(network_gradients.check_narrow, (data, plain))
    ]
    assert counts[0] == counts[1] + n_more


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["softmax", "crf"])
def test_a_right_network_passes_with_gazetteers(
    real: Config, corpus: Labelled, loss: Any, tmp_path: Path
) -> None:
    (tmp_path / "places.txt").write_text("Paris\nNew York\n")
    features = replace(real.features, gazetteers=(str(tmp_path / "places.txt"),))
    assert failed(replace(real, features=features, model=replace(real.model, loss=loss)), corpus) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "smoothing"), [("balanced", 0.0), ("none", 0.2), ("balanced", 0.2)])
def test_a_right_network_passes_with_weights_and_smoothing(
    real: Config, corpus: Labelled, weights: Any, smoothing: float
) -> None:
    training = replace(real.training, class_weights=weights, label_smoothing=smoothing)
    assert failed(replace(real, training=training), corpus) == {}


@pytest.mark.parametrize(
    "name", ["l2", "l2_vectors", "l2_anchor", "word_dropout", "averaging", "label_smoothing"]
)
def test_learning_by_heart_is_tried_without_what_keeps_a_network_from_it(
    name: str, real: Config, corpus: Labelled
) -> None:
    plain = replace(real, model=replace(real.model, tuning="tuned"))
    kept = replace(plain, training=replace(plain.training, **{name: 0.9}))  # type: ignore[arg-type]
    verdicts = [network_check._overfit(choose_data(config, *corpus, seed=0)) for config in (kept, plain)]
    assert verdicts[0] == verdicts[1] and verdicts[0].name == OVERFIT


@pytest.mark.slow
def test_the_same_seed_gives_the_same_verdicts_and_tells_them_as_they_come(
    real: Config, corpus: Labelled
) -> None:
    told: list[Verdict] = []
    first = check_network(real, *corpus, seed=3, on_verdict=told.append)
    assert check_network(real, *corpus, seed=3) == first == told
    assert check_network(real, *corpus, seed=4) != first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tuning", "said"),
    [
        ("frozen", "frozen and get no gradient"),
        ("tuned", "tuned"),
        ("two-channel", "the tuned copy of the vectors is among them"),
    ],
)
def test_the_sample_is_a_thousand_coordinates_where_there_are_so_many(
    real: Config, corpus: Labelled, tuning: Any, said: str
) -> None:
    data = choose_data(replace(real, model=replace(real.model, tuning=tuning)), *corpus, seed=0)
    verdict = network_gradients.check_sample(data)
    assert verdict.passed
    assert verdict.detail.startswith("1,000 random coordinates")
    assert "50 are in rows that no window uses" in verdict.detail
    assert said in verdict.detail


# -- planted faults ----------------------------------------------------------------------------------


def _transposed(dscores: Floats, dA: Floats) -> tuple[Floats, Floats]:
    return dscores, np.ascontiguousarray(dA.T)


def _no_ends(dscores: Floats, dA: Floats) -> tuple[Floats, Floats]:
    dA[:, -1] = 0
    return dscores, dA


def _no_transitions(dscores: Floats, dA: Floats) -> tuple[Floats, Floats]:
    return dscores, np.zeros_like(dA)


def _little_off(dscores: Floats, dA: Floats) -> tuple[Floats, Floats]:
    return dscores * np.float32(1.001), dA


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [_transposed, _no_ends, _no_transitions, _little_off])
def test_a_wrong_gradient_of_sentences_fails_both_gradient_checks(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch, spoil: Any
) -> None:
    def wrong(*arguments: Any, **options: Any) -> Any:
        loss, backward = crf_loss(*arguments, **options)
        return loss, lambda: spoil(*backward())

    monkeypatch.setattr(objectives, "crf_loss", wrong)
    assert {NARROW, SAMPLE} <= failed(crf(real), corpus).keys()


@pytest.mark.slow
def test_a_loss_by_the_sentence_instead_of_by_the_word_fails_the_first_loss_alone(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_sentence(scores: Floats, A: Floats, *, lengths: Ints, **options: Any) -> Any:
        loss, backward = crf_loss(scores, A, lengths=lengths, **options)
        factor = float(lengths.sum() / len(lengths))
        return loss * factor, lambda: tuple((factor * part).astype(part.dtype) for part in backward())

    monkeypatch.setattr(objectives, "crf_loss", by_sentence)
    assert failed(crf(real), corpus).keys() == {FIRST_LOSS}


@pytest.mark.slow
def test_forbidden_labellings_that_count_fail_the_first_loss_alone(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def anything_goes(*arguments: Any, legal: Any, **options: Any) -> Any:
        return crf_loss(*arguments, **options)

    monkeypatch.setattr(objectives, "crf_loss", anything_goes)
    many = replace(real, model=replace(real.model, inner_scheme="IOBES"))  # of which most pairs are forbidden
    assert failed(crf(many), corpus).keys() == {FIRST_LOSS}


@pytest.mark.slow
def test_a_wrong_slope_fails_both_gradient_checks(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaky(z: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
        return np.maximum(z, 0), lambda da: da * np.where(z > 0, 1.001, 0)

    monkeypatch.setitem(ACTIVATIONS, "relu", leaky)
    verdicts = failed(real, corpus)
    assert verdicts.keys() == {NARROW, SAMPLE}
    assert "coordinates are wrong" in verdicts[SAMPLE].detail
    assert "dhidden1.W[" in verdicts[SAMPLE].detail or "dhidden1.b[" in verdicts[SAMPLE].detail


@pytest.mark.slow
def test_a_lost_repeated_id_fails(real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    def from_places(ids: Ints, rows: Floats, n_rows: int) -> RowGradient:
        last = {int(id_): i for i, id_ in enumerate(ids)}
        kept = sorted(last)
        return RowGradient(np.array(kept, dtype=np.int64), rows[[last[id_] for id_ in kept]], n_rows)

    monkeypatch.setattr(RowGradient, "from_places", staticmethod(from_places))
    assert {NARROW, SAMPLE} <= failed(real, corpus).keys()


def test_a_gradient_in_a_row_that_no_window_uses_fails(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    dense = RowGradient.to_dense
    monkeypatch.setattr(RowGradient, "to_dense", lambda self: dense(self) + 1e-12)
    data = choose_data(real, *corpus, seed=0)
    verdict = network_gradients.check_sample(data)
    assert not verdict.passed
    assert verdict.detail.startswith("a row that no window uses has a gradient: d")


@pytest.mark.slow
def test_frozen_vectors_with_a_gradient_fail(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def thawed(E: Floats, special: Floats, *, ids: Ints, E_needs_gradient: bool) -> Any:
        return word_embedding(E, special, ids=ids)

    monkeypatch.setattr(model_module, "word_embedding", thawed)
    verdicts = failed(real, corpus)
    assert verdicts[NARROW].detail.startswith("trained and frozen parameters are mixed up: vectors")


def test_a_parameter_without_a_gradient_fails(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def still(E: Floats, *, ids: Ints) -> Any:
        return embedding(E, ids=ids, needs_gradient=False)

    monkeypatch.setattr(model_module, "embedding", still)
    verdicts = failed(real, corpus)
    assert "trained and frozen parameters are mixed up: affixes, case" in verdicts[NARROW].detail
    assert "trained and frozen parameters are mixed up: affixes, case" in verdicts[SAMPLE].detail


def test_a_loss_in_bits_fails_the_first_loss_alone(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bits(scores: Floats, **options: Any) -> Any:
        loss, backward = softmax_cross_entropy(scores, **options)
        return loss / log(2), lambda: backward(1 / log(2))

    monkeypatch.setattr(objectives, "softmax_cross_entropy", bits)
    assert failed(real, corpus).keys() == {FIRST_LOSS}


def test_first_weights_that_are_too_large_fail_however_wide_they_make_the_tolerance(
    real: Config, corpus: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def huge(*arguments: Any) -> Floats:
        weights = xavier_uniform(*arguments)
        weights *= 50
        return weights

    monkeypatch.setattr(model_module, "xavier_uniform", huge)
    verdict = failed(real, corpus)[FIRST_LOSS]
    assert "the first weights or the vectors are too large" in verdict.detail
    assert verdict.allowed[1] == 2 * log(3)


def test_a_learning_rate_at_which_nothing_is_learned_fails_with_advice(
    real: Config, corpus: Labelled
) -> None:
    verdicts = failed(replace(real, training=TrainingConfig(learning_rate=1e-9)), corpus)
    assert verdicts.keys() == {OVERFIT}
    assert "not learned by heart in 51 epochs; try another training.learning_rate" in verdicts[OVERFIT].detail


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_training_that_breaks_fails_and_is_told(real: Config, corpus: Labelled) -> None:
    training = TrainingConfig(optimizer="sgd", learning_rate=1e38, clip_norm=0)
    verdict = failed(replace(real, training=training), corpus)[OVERFIT]
    assert "the loss is not finite" in verdict.detail


def test_a_figure_that_is_not_finite_never_passes() -> None:
    assert judge("x", float("nan"), (0, 1), "") == Verdict("x", None, (0, 1), False, "")
    assert judge("x", 0.5, (0, 1), "so", faults=("but",)) == Verdict("x", 0.5, (0, 1), False, "but; so")


# -- what is allowed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weights", [None, np.array([0.3, 2.0, 1.0, 4.0])])
def test_the_first_loss_interval_is_that_of_all_orders_of_the_labels(
    weights: Floats | None, smoothing: float
) -> None:
    rng = np.random.default_rng(0)
    scores, targets = rng.normal(0, 0.7, (30, 4)), rng.choice(4, 30, p=[0.7, 0.1, 0.1, 0.1])
    how: dict[str, Any] = {"class_weights": weights, "label_smoothing": smoothing}
    losses = [
        softmax_cross_entropy(scores[:, order], targets=targets, **how)[0] for order in permutations(range(4))
    ]
    mean, deviation = first_loss_interval(scores, targets, **how)
    assert mean == pytest.approx(np.mean(losses), rel=1e-12)
    assert deviation == pytest.approx(np.std(losses), rel=1e-12)


def test_equal_scores_are_as_good_as_guessing() -> None:
    mean, deviation = first_loss_interval(np.full((3, 5), 7.0), np.array([0, 1, 1]))
    assert mean == pytest.approx(log(5))
    assert deviation == pytest.approx(0)


IOBES = LabelSet.of([["O", "B-LOC"]], internal_scheme=Scheme.IOBES)


def test_guessing_among_sentences_counts_the_legal_labellings_that_agree() -> None:
    targets, lengths, legal = np.array([0, -1, 0, 1]), np.array([3, 0, 1]), legal_pairs(IOBES)
    targets[3] = IOBES.names.index("S-LOC")
    C = len(IOBES)

    def is_legal(path: tuple[int, ...]) -> bool:
        ends = [C, *path, C]
        return bool(legal[ends[:-1], ends[1:]].all())

    n_three = sum(map(is_legal, product(range(C), repeat=3)))
    n_one = sum(map(is_legal, product(range(C), repeat=1)))
    n_agreeing = sum(is_legal((0, label, 0)) for label in range(C))
    rng = np.random.default_rng(0)
    mean, deviation = sentence_loss_interval(np.full((4, C), 7.0), targets, lengths, legal, rng)
    assert mean == pytest.approx((log(n_three) + log(n_one) - log(n_agreeing)) / 4)
    assert deviation == pytest.approx(0)


@pytest.mark.slow
@pytest.mark.parametrize("unknown", [False, True])
def test_the_interval_of_sentences_holds_the_loss_of_most_orders_of_the_scores(unknown: bool) -> None:
    rng = np.random.default_rng(0)
    C, lengths, legal = len(IOBES), np.array([6, 1, 9]), legal_pairs(IOBES)
    names = [["O", "B-LOC", "I-LOC", "O", "O", "B-LOC"], ["O"], ["O"] * 9]
    targets = np.concatenate([IOBES.encode(sequence) for sequence in names])
    targets[3] = -1 if unknown else targets[3]
    scores, A = rng.normal(0, 0.7, (16, C)), np.zeros((C + 1, C + 1))
    losses = [
        crf_loss(scores[:, order], A, targets=targets, lengths=lengths, legal=legal)[0]
        for order in permutations(range(C))
    ]
    drawn = [sentence_loss_interval(scores, targets, lengths, legal, rng) for _ in range(200)]
    means, deviations = np.array(drawn).T
    assert np.mean(means) == pytest.approx(np.mean(losses), abs=0.02 * float(np.mean(losses)))
    # that of one more loss around a mean of eight
    expected = np.var(losses) * (1 + 1 / 8)
    assert np.mean(deviations**2) == pytest.approx(expected, rel=0.1)


def test_no_more_is_asked_than_equal_windows_let_be() -> None:
    words, windows = np.array([[5], [6]]), np.array([[0], [0], [0], [1]])
    data = TrainingData(words, windows, np.array([0, 1, 0, 1]), np.array([0, 4]))
    assert attainable_accuracy(data) == 0.75


def test_a_corpus_that_contradicts_itself_can_still_pass(real: Config) -> None:
    sentences = [["a", "b"], ["a", "b"], ["a", "c"]]
    verdict = check_network(real, sentences, [["X", "Y"], ["X", "Z"], ["X", "Y"]], seed=0)[-1]
    assert verdict.passed
    assert verdict.figure == pytest.approx(5 / 6)
    assert "a higher accuracy is impossible" in verdict.detail


# -- what is chosen ----------------------------------------------------------------------------------


def test_sentences_that_bring_a_new_label_come_first() -> None:
    labels = [["O"]] * 100 + [["A"], ["B"], ["_"]]
    chosen = choose_sentences(labels, "_", np.random.default_rng(0))
    assert len(chosen) == 20
    assert set(chosen[:3]) - set(range(100)) == {100, 101}
    assert 102 not in chosen


def test_a_corpus_in_which_every_word_is_context_only_is_refused() -> None:
    with pytest.raises(DataError, match="no word has a label to learn"):
        choose_sentences([["_", "_"]], "_", np.random.default_rng(0))


def test_a_long_sentence_is_cut(real: Config) -> None:
    data = choose_data(real, [["word"] * 100_000], [["A", "B"] * 50_000], seed=0)
    assert [len(tokens) for tokens in data.tokens] == [50]


def test_windows_hold_boundaries_unknown_words_and_repeated_ones(real: Config, corpus: Labelled) -> None:
    sentences = [*corpus[0], "the TV and the zyzzyva".split()]
    labels = [*corpus[1], ["O"] * 5]
    chosen_data = choose_data(real, sentences, labels, seed=0)
    data = chosen_data.encode(chosen_data.config)
    for seed in range(5):
        chosen = choose_windows(data, np.random.default_rng(seed))
        words, windows = chosen.words, chosen.windows
        assert len(windows) == len(chosen.targets) == 8
        assert chosen.lengths.tolist() == [1] * 8
        boundary = data.words[BOUNDARY_ROW]
        assert (words[windows[:, 0]] == boundary).all(axis=1).any()
        assert (words[windows[:, -1]] == boundary).all(axis=1).any()
        assert UNKNOWN in words[windows, 0]
        is_word = (words != boundary).any(axis=1)
        assert any(len(set(row)) < len(row) for row in ([w for w in r if is_word[w]] for r in windows))


def test_windows_of_sentences_are_whole_ones_and_hold_the_special_cases(
    real: Config, corpus: Labelled
) -> None:
    sentences = [*corpus[0], "the TV and the zyzzyva".split()]
    labels = [*corpus[1], ["O"] * 5]
    chosen_data = choose_data(crf(real), sentences, labels, seed=0)
    data = chosen_data.encode(chosen_data.config)
    for seed in range(5):
        chosen = choose_windows(data, np.random.default_rng(seed), whole_sentences=True)
        assert len(chosen.lengths) > 1 and chosen.lengths.sum() == len(chosen.windows) >= 8
        ends = np.cumsum(chosen.lengths)
        for begin, end in zip(ends - chosen.lengths, ends, strict=True):
            assert chosen.places[begin] in data.starts and chosen.places[end - 1] + 1 in data.starts
            assert (np.diff(chosen.places[begin:end]) == 1).all()
        np.testing.assert_array_equal(chosen.targets, data.targets[chosen.places])
        np.testing.assert_array_equal(chosen.words[chosen.windows], data.words[data.windows[chosen.places]])
        assert UNKNOWN in chosen.words[chosen.windows, 0]
