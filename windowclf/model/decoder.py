"""Scores to labels in the output scheme, spans, and their probabilities.

N tokens, C labels of the network, C' labels of the output scheme, S sentences, T tokens of one.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import numpy as np

from windowclf.arrays import Bools, Floats, Ints
from windowclf.corpus import OUTSIDE, LabelSet, Scheme, Span, parse_label
from windowclf.model.calibration import UNCALIBRATED, Calibration
from windowclf.model.viterbi import allowed_pairs, best_labels, n_best_labels
from windowclf.nn import marginals, softmax, span_log_probs, sum_labellings

# of a span: number and first token of its sentence, its own first token and end, its entity type
_Bounds = tuple[int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class TaggedSpan:
    """A span that labels mark.

    Its probability is that a span of this type begins and ends exactly there. With a sentence-level loss it
    is that of all legal tag sequences that have the span; otherwise the product of the probabilities of its
    labels. It is calibrated for the number of tokens and the type (`PlattScaling`).
    """

    start: int  #: its first token
    end: int  #: the token after its last
    kind: str  #: the entity type
    probability: float  #: calibrated, as above


@dataclass(frozen=True, slots=True)
class Tagged:
    """The labels of one sentence, and the probability that the model gives each.

    With IOBES as internal and IOB2 as output scheme, ``B-LOC`` has the probability of ``B-LOC`` and ``S-LOC``
    together. Where the output label depends on its neighbours (IOB1; IOBES from IOB2), it is the probability
    of the internal label. With a sentence-level loss it is the marginal over all tag sequences.
    """

    labels: list[str]  #: in the output scheme, that of the training data
    probabilities: list[float]  #: of each label
    spans: list[TaggedSpan]  #: in order; empty if labels are plain classes
    every: Floats | None = field(default=None, compare=False)  #: (T, C') of `output_names`, if requested

    @property
    def entities(self) -> list[tuple[Span, float]]:
        """The spans and their probabilities, as the evaluation takes them."""
        return [(Span(span.start, span.end, span.kind), span.probability) for span in self.spans]


class Decoder:
    """Turns scores into labels and their probabilities, as the loss of the training requires.

    Without `transitions` (C + 1, C + 1), the scores of label j after label i, words are independent.
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
        """Return the ids (N,) of the best legal labels, given scores (N, C) and lengths (S,) in tokens.

        They are the most probable ones, apart from the O penalty.
        """
        if self.calibration.outside_cost:
            scores = scores - self._costs
        return best_labels(scores, lengths, self.labels, self.transitions)

    def probabilities(self, scores: Floats, lengths: Ints) -> Floats:
        """Return the probability (N, C) of each label of the network at each token."""
        temperature = np.float32(self.calibration.temperature)
        scores = scores / temperature
        if self.transitions is None:
            return softmax(scores)
        return marginals(scores, self.transitions / temperature, lengths=lengths, legal=self._legal)[1]

    def tag(self, scores: Floats, lengths: Ints, *, every: bool) -> list[Tagged]:
        """Return what scores (N, C) and lengths (S,) say of sentences; `every`: also of every label."""
        best = self.best(scores, lengths)
        inner = self.probabilities(scores, lengths)
        probs = self.labels.merge(inner)
        chosen = probs[np.arange(len(best)), self.labels.output_ids[best]].tolist()
        output = self.labels.to_output(best, lengths)
        spans = self._spans(best, inner, scores, lengths)
        bounds = pairwise([0, *accumulate(lengths.tolist())])
        return [
            Tagged(labels, chosen[first:end], found, probs[first:end] if every else None)
            for labels, found, (first, end) in zip(output, spans, bounds, strict=True)
        ]

    def n_best(self, scores: Floats, n: int) -> list[tuple[list[str], float]]:
        """Return the n best tag sequences, in the output scheme, and their probabilities; scores (T, C).

        They are ordered as in `best`, which gives the first: with an O penalty, a later one may be more
        probable. No two are equal: in every scheme, a legal sequence determines the spans.
        """
        temperature = self.calibration.temperature
        scores, A = scores / temperature, self.pair_scores() / temperature
        costs = self._costs / temperature
        decisive = scores - costs
        found = n_best_labels(decisive, A, n, self._legal)
        if self.calibration.outside_cost:  # probabilities are without it
            moved = self._log_z(decisive, A) - self._log_z(scores, A)
            found = [(ids, log_p + float(costs[ids].sum()) + moved) for ids, log_p in found]
        lengths = np.array([len(scores)])
        return [(self.labels.to_output(ids, lengths)[0], math.exp(log_p)) for ids, log_p in found]

    def _log_z(self, scores: Floats, A: Floats) -> float:
        """Return the log of the sum over all legal tag sequences of a sentence."""
        sums = sum_labellings(scores, A, lengths=np.array([len(scores)]), legal=self._legal)
        return float(sums.log_z[0])

    def pair_scores(self) -> Floats:
        """Return the transitions (C + 1, C + 1); zeros if words are independent."""
        C = len(self.labels)
        return np.zeros((C + 1, C + 1), np.float32) if self.transitions is None else self.transitions

    # -- spans ---------------------------------------------------------------------------------------

    def _spans(self, best: Ints, probs: Floats, scores: Floats, lengths: Ints) -> list[list[TaggedSpan]]:
        """Return the spans of each sentence; probs (N, C) are of the internal labels."""
        found: list[list[TaggedSpan]] = [[] for _ in lengths]
        if self.labels.scheme is None or not len(inside := self._is_inside[best].nonzero()[0]):
            return found
        ids = best.tolist()
        begins: list[int] = []
        stops: list[int] = []
        # the labels follow their scheme, so a span goes on until another begins
        for position in inside.tolist():
            if self._prefixes[ids[position]] in "BS":
                begins.append(position)
                stops.append(position + 1)
            else:
                stops[-1] = position + 1
        ends = [*accumulate(lengths.tolist())]
        bounds = []
        for begin, stop in zip(begins, stops, strict=True):
            i = bisect_right(ends, begin)
            bounds.append((i, ends[i - 1] if i else 0, begin, stop, self._kinds[ids[begin]]))
        raw: Sequence[float] | Floats
        if self.transitions is None:
            raw = [self._independent(begin, stop, ends[i], ids, probs) for i, _, begin, stop, _ in bounds]
        else:
            raw = self._marginal(bounds, best, scores, lengths)
        scaling = self.calibration.spans
        for (i, first, begin, stop, kind), probability in zip(bounds, raw, strict=True):
            p = float(probability)
            calibrated = p if scaling is None else scaling(p, stop - begin, kind)
            found[i].append(TaggedSpan(begin - first, stop - first, kind, calibrated))
        return found

    def _independent(self, begin: int, stop: int, end: int, ids: Sequence[int], probs: Floats) -> float:
        """Return the probability of a span's labels if words are independent; `end` is its sentence's."""
        probability = math.prod([probs.item(i, ids[i]) for i in range(begin, stop)])
        if self.labels.internal_scheme is not Scheme.IOBES and stop < end:
            # its own labels do not say that the span ends: the next label must not continue it
            inside = self.labels.names.index(f"I-{self._kinds[ids[begin]]}")
            probability *= 1 - probs.item(stop, inside)
        return probability

    def _marginal(self, bounds: Sequence[_Bounds], best: Ints, scores: Floats, lengths: Ints) -> Floats:
        """Return the probabilities (spans,) over all tag sequences of their sentences."""
        some = np.zeros(len(lengths), bool)  # only sentences that have spans
        some[[place[0] for place in bounds]] = True
        words = np.repeat(some, lengths)
        shift = np.cumsum(~words)  # words skipped so far
        begins, stops = np.array([place[2:4] for place in bounds]).T
        logs = span_log_probs(
            scores[words] / np.float32(self.calibration.temperature),
            self.pair_scores() / np.float32(self.calibration.temperature),
            lengths=lengths[some],
            begins=begins - shift[begins],
            sequences=[best[begin:stop].tolist() for begin, stop in zip(begins, stops, strict=True)],
            legal=self._legal,
            not_next=self._continuing([place[4] for place in bounds]),
        )
        return np.asarray(np.exp(logs))

    def _continuing(self, kinds: list[str]) -> Bools | None:
        """Return which labels continue each span (spans, C + 1); None if its own labels mark its end."""
        if self.labels.internal_scheme is Scheme.IOBES:
            return None
        pairs = list(zip(self._prefixes, self._kinds, strict=True))
        return np.array([[*(pair == ("I", kind) for pair in pairs), False] for kind in kinds])
