"""Probabilities of the labels that a user sees, from those of the labels that the network learnt.

N tokens, C internal labels, L output labels, S sentences.
"""

import numpy as np

from windowclf.arrays import Floats, Ints
from windowclf.corpus import OUTSIDE, LabelSet, Scheme, parse_label
from windowclf.model.decoder import Decoder
from windowclf.model.viterbi import allowed_pairs
from windowclf.nn import span_log_probs

_PREFIXES = {Scheme.IOB1: "BI", Scheme.IOB2: "BI", Scheme.IOBES: "BEIS"}


def output_labels(labels: LabelSet) -> tuple[str, ...]:
    """Return the labels that predictions consist of, in the order of :func:`output_probabilities`."""
    if labels.is_local:
        return labels.output_names
    assert labels.scheme is not None
    return (OUTSIDE, *(f"{prefix}-{kind}" for kind in labels.kinds for prefix in _PREFIXES[labels.scheme]))


def output_probabilities(decoder: Decoder, scores: Floats, lengths: Ints) -> Floats:
    """Return the probability (N, L) of each of `output_labels`, given scores (N, C) and lengths (S,).

    Where the output label of a token depends on the token beside it, pairs of internal labels count: a span
    starts with B in IOB1 if the span before it touches it and has the same type; learnt as IOB2, a span ends
    where the next label is not I. Without a sentence-level loss, tokens are independent.
    """
    labels = decoder.labels
    probs = decoder.probabilities(scores, lengths)
    if labels.is_local:
        return labels.merge(probs)
    columns = [probs[:, labels.names.index(OUTSIDE)]]
    for kind in labels.kinds:
        parsed = enumerate(map(parse_label, labels.names))
        prefixes = {prefix: i for i, (prefix, own) in parsed if own == kind}
        starts, inside = [prefixes[p] for p in "BS" if p in prefixes], list(prefixes.values())
        whole = probs[:, inside].sum(axis=1)
        if labels.scheme is Scheme.IOB1:
            touching = np.zeros_like(whole)
            touching[1:] = _pairs(decoder, probs, scores, lengths, inside, starts)[:-1]
            columns += [touching, whole - touching]
        else:  # learnt as IOB2, output as IOBES
            first, further = prefixes["B"], prefixes["I"]
            longer = _pairs(decoder, probs, scores, lengths, [first], [further])
            going_on = _pairs(decoder, probs, scores, lengths, [further], [further])
            columns += [longer, probs[:, further] - going_on, going_on, probs[:, first] - longer]
    return np.clip(np.column_stack(columns), 0, 1)  # differences are rounded


def _pairs(
    decoder: Decoder, probs: Floats, scores: Floats, lengths: Ints, left: list[int], right: list[int]
) -> Floats:
    """Return the probability (N,) of `left` and then `right`; 0 for the last token of a sentence."""
    found = np.zeros(len(probs), probs.dtype)
    is_last = np.zeros(len(probs) + 1, bool)
    is_last[np.cumsum(lengths) - 1] = True  # an empty first sentence marks the spare place
    (begins,) = (~is_last[:-1]).nonzero()
    if not len(begins):
        return found
    if decoder.transitions is None:
        found[begins] = probs[begins][:, left].sum(axis=1) * probs[begins + 1][:, right].sum(axis=1)
        return found
    legal = allowed_pairs(decoder.labels)
    temperature = np.float32(decoder.calibration.temperature)
    pairs = [[i, j] for i in left for j in right if legal is None or legal[i, j]]
    logs = span_log_probs(
        scores / temperature,
        decoder.transitions / temperature,
        lengths=lengths,
        begins=np.repeat(begins, len(pairs)),
        sequences=pairs * len(begins),
        legal=legal,
    )
    found[begins] = np.exp(logs).reshape(len(begins), len(pairs)).sum(axis=1)
    return found
