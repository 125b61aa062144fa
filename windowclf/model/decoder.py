"""Scores to what a user reads: labels as they are spelled, spans, and their probabilities.

N tokens, C labels, C' labels as they are spelled, S sentences.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.corpus.label_schemes import OUTSIDE, Scheme, Span, parse_label
from windowclf.corpus.label_set import LabelSet, parted
from windowclf.model.calibration import UNCALIBRATED, Calibration
from windowclf.model.viterbi import allowed_pairs, best_labels, n_best_labels
from windowclf.nn.crf import marginals, sum_labellings
from windowclf.nn.crf_spans import span_log_probs
from windowclf.nn.losses import softmax

_Place = tuple[int, int, int, int, str]  # of a span: sentence and its first word, first word and end, kind


@dataclass(frozen=True, slots=True)
class TaggedSpan:
    """A span that labels mark.

    Attributes
    ----------
    start, end : int
        Its tokens are `start` to `end`, exclusive.
    kind : str
    probability : float
        That a span of this kind begins and ends just there. The network's own is, with a sentence-level loss,
        that of all labellings that the scheme allows and that have the span; where words are labelled one by
        one, the product of their probabilities. Development data of the training correct it for the number
        of words and the kind (`PlattScaling`).
    """

    start: int
    end: int
    kind: str
    probability: float


@dataclass(frozen=True, slots=True)
class Tagged:
    """The labels of one sentence, and the probability that the model gives each.

    Attributes
    ----------
    labels : list of str
        In the scheme of the training data.
    probabilities : list of float
        Of each label as it is spelled: learnt as IOBES and spelled as IOB2, a ``B-LOC`` has the probabilities
        of ``B-LOC`` and ``S-LOC`` together. Where the spelling depends on the labels around (IOB1; learnt as
        IOB2 and spelled as IOBES), the probability is that of the label as it was learnt. With a
        sentence-level loss it is the marginal: all labellings of the sentence count.
    spans : list of TaggedSpan
        In order; empty where labels are plain classes.
    every : array (words, C') or None
        The probability of each of :attr:`WindowTagger.spelled_labels`, where it was asked for.
    """

    labels: list[str]
    probabilities: list[float]
    spans: list[TaggedSpan]
    every: Floats | None = field(default=None, compare=False)

    @property
    def entities(self) -> list[tuple[Span, float]]:
        """The spans and their probabilities, as they are judged."""
        return [(Span(span.start, span.end, span.kind), span.probability) for span in self.spans]


class Decoder:
    """Turns scores into labels and their probabilities, as suits the loss a model was trained with.

    Parameters
    ----------
    labels : LabelSet
    transitions : array (C + 1, C + 1), optional
        Scores of label after label, of a sentence-level loss; without them words are independent.
    calibration : Calibration
        Of the probabilities, and of the choice between being outside and in a span.
    """

    def __init__(
        self, labels: LabelSet, transitions: Floats | None = None, calibration: Calibration = UNCALIBRATED
    ) -> None:
        self.labels = labels
        self.transitions = transitions
        self.calibration = calibration
        self._legal = allowed_pairs(labels)
        self._prefixes, self._kinds = zip(*map(parse_label, labels.names), strict=True)
        self._is_inside = np.array([name != OUTSIDE for name in labels.names])
        self._costs = np.where(self._is_inside, 0, calibration.outside_cost).astype(np.float32)

    def best(self, scores: Floats, lengths: Ints) -> Ints:
        """Return the numbers (N,) of the labels in the best labelling that the scheme allows.

        That is the most probable one, but for what the correction has being outside cost.

        Parameters
        ----------
        scores : array (N, C)
        lengths : array (S,)
            Tokens of each sentence.
        """
        return best_labels(self._with_cost(scores), lengths, self.labels, self.transitions)

    def _with_cost(self, scores: Floats) -> Floats:
        """Return the scores that labels are chosen by."""
        if not self.calibration.outside_cost:
            return scores
        return scores - self._costs

    def probabilities(self, scores: Floats, lengths: Ints) -> Floats:
        """Return the probability (N, C) of each label of the network at each token."""
        temperature = np.float32(self.calibration.temperature)
        scores = scores / temperature
        if self.transitions is None:
            return softmax(scores)
        return marginals(scores, self.transitions / temperature, lengths=lengths, legal=self._legal)[1]

    def tag(self, scores: Floats, lengths: Ints, *, every: bool) -> list[Tagged]:
        """Return the labels of sentences, spans, and their probabilities.

        Parameters
        ----------
        scores : array (N, C)
        lengths : array (S,)
            Tokens of each sentence.
        every : bool
            Whether to return the probability of every label too.
        """
        best = self.best(scores, lengths)
        inner = self.probabilities(scores, lengths)
        probs = self.labels.merge(inner)
        chosen = probs[np.arange(len(best)), self.labels.output_ids[best]].tolist()
        rows: Iterable[Floats | None] = repeat(None, len(lengths))
        if every:
            rows = np.split(probs, np.cumsum(lengths)[:-1])
        return list(
            map(
                Tagged,
                self.labels.to_output(best, lengths),
                parted(chosen, lengths),
                self._spans(best, inner, scores, lengths),
                rows,
            )
        )

    def n_best(self, scores: Floats, n: int) -> list[tuple[list[str], float]]:
        """Return the n best legal labellings of a sentence, as they are spelled, and their probabilities.

        The first is that of `best`; in order of what is best there, so that where being outside costs, a
        later one may be more probable. No two are spelled alike: whatever the schemes, a legal labelling says
        which spans there are.

        Parameters
        ----------
        scores : array (T, C)
        n : int
        """
        temperature = self.calibration.temperature
        scores, A = scores / temperature, self.pair_scores() / temperature
        costs = self._costs / temperature
        decisive = scores - costs
        found = n_best_labels(decisive, A, n, self._legal)
        if self.calibration.outside_cost:  # the probabilities are those without it
            moved = self._log_z(decisive, A) - self._log_z(scores, A)
            found = [(ids, log_p + float(costs[ids].sum()) + moved) for ids, log_p in found]
        lengths = np.array([len(scores)])
        return [(self.labels.to_output(ids, lengths)[0], math.exp(log_p)) for ids, log_p in found]

    def _log_z(self, scores: Floats, A: Floats) -> float:
        """Return the logarithm of the sum over all legal labellings of a sentence."""
        sums = sum_labellings(scores, A, lengths=np.array([len(scores)]), legal=self._legal)
        return float(sums.log_z[0])

    def pair_scores(self) -> Floats:
        """Return scores (C + 1, C + 1) of label after label; zeros where words are independent."""
        C = len(self.labels)
        return np.zeros((C + 1, C + 1), np.float32) if self.transitions is None else self.transitions

    # -- spans ---------------------------------------------------------------------------------------

    def _spans(self, best: Ints, probs: Floats, scores: Floats, lengths: Ints) -> list[list[TaggedSpan]]:
        """Return the spans of each sentence; probs (N, C) are those of the network's labels."""
        found: list[list[TaggedSpan]] = [[] for _ in lengths]
        if self.labels.scheme is None or not len(inside := self._is_inside[best].nonzero()[0]):
            return found
        ids = best.tolist()
        begins: list[int] = []
        stops: list[int] = []
        # a labelling follows its scheme, so a span goes on until another begins
        for place in inside.tolist():
            if self._prefixes[ids[place]] in "BS":
                begins.append(place)
                stops.append(place + 1)
            else:
                stops[-1] = place + 1
        ends = np.cumsum(lengths).tolist()
        places = []
        for begin, stop in zip(begins, stops, strict=True):
            i = bisect_right(ends, begin)
            places.append((i, ends[i] - int(lengths[i]), begin, stop, self._kinds[ids[begin]]))
        raw: Sequence[float] | Floats
        if self.transitions is None:
            raw = self._independent(places, best, probs, ends)
        else:
            raw = self._marginal(places, best, scores, lengths)
        scaling = self.calibration.spans
        for (i, first, begin, stop, kind), probability in zip(places, raw, strict=True):
            p = float(probability)
            corrected = p if scaling is None else scaling(p, stop - begin, kind)
            found[i].append(TaggedSpan(begin - first, stop - first, kind, corrected))
        return found

    def _independent(
        self, places: Sequence[_Place], best: Ints, probs: Floats, ends: Sequence[int]
    ) -> list[float]:
        """Return the probability of spans where words are labelled one by one: that of all their labels."""
        own = probs[np.arange(len(best)), best].tolist()
        found = []
        for i, _, begin, stop, kind in places:
            probability = math.prod(own[begin:stop])
            if self.labels.internal_scheme is not Scheme.IOBES and stop < ends[i]:
                # the span's own labels do not say that it ends: the next one does not go on with it
                probability *= 1 - float(probs[stop, self.labels.names.index(f"I-{kind}")])
            found.append(probability)
        return found

    def _marginal(self, places: Sequence[_Place], best: Ints, scores: Floats, lengths: Ints) -> Floats:
        """Return the probability of spans among all labellings of their sentences."""
        some = np.zeros(len(lengths), bool)  # only sentences that have spans
        some[[place[0] for place in places]] = True
        words = np.repeat(some, lengths)
        shift = np.cumsum(~words)  # words left out so far
        begins, stops = np.array([place[2:4] for place in places]).T
        logs = span_log_probs(
            scores[words] / np.float32(self.calibration.temperature),
            self.pair_scores() / np.float32(self.calibration.temperature),
            lengths=lengths[some],
            begins=begins - shift[begins],
            sequences=[best[begin:stop].tolist() for begin, stop in zip(begins, stops, strict=True)],
            legal=self._legal,
            not_next=self._going_on([place[4] for place in places]),
        )
        probabilities: Floats = np.exp(logs)
        return probabilities

    def _going_on(self, kinds: list[str]) -> Bools | None:
        """Return (spans, C + 1) which labels make a span longer; None where its labels say its end."""
        if self.labels.internal_scheme is Scheme.IOBES:
            return None
        pairs = list(zip(self._prefixes, self._kinds, strict=True))
        return np.array([[*(pair == ("I", kind) for pair in pairs), False] for kind in kinds])
