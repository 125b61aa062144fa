"""The entities of training data as lists of phrases: a name that was seen once tells of the next time.

Of each kind there is a list. While training, a sentence's entities are not looked for in it where no other
sentence has them: every entity of the training data stands in the lists, those of new text do not, and a
network would learn to believe the lists alone. This is the leave-one-out form of target encoding.

N tokens, S sentences, G lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from windowclf.arrays import Ints
from windowclf.config import FeaturesConfig
from windowclf.corpus.label_schemes import spans
from windowclf.corpus.label_set import LabelSet
from windowclf.encoding.gazetteer import LONGEST_PHRASE, Gazetteer, Gazetteers, read_gazetteers
from windowclf.encoding.phrase_trie import Position
from windowclf.errors import ConfigError

_PREFIX = "entities:"  # of the names of these lists among those of a configuration

OwnEntities = Mapping[str, frozenset[str]]
"""Of each kind the entities of a sentence that no other sentence has."""


def is_entity_list(name: str) -> bool:
    """Return whether a configuration names a list of training's entities so, and not a file."""
    return name.startswith(_PREFIX)


def read_lists(
    features: FeaturesConfig,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    label_set: LabelSet,
) -> tuple[FeaturesConfig, Gazetteers]:
    """Return all lists of a model that is to be trained, and the features that name them.

    Parameters
    ----------
    features : FeaturesConfig
    sentences, labels : sequences of sequences of str
        The training data.
    label_set : LabelSet
        Where its labels mark no spans, there are no entities.

    Raises
    ------
    ConfigError
        If such lists are named, as a trained model's configuration does, and switched off.
    DataError
        As `read_gazetteers`.
    """
    files = tuple(name for name in features.gazetteers if not is_entity_list(name))
    if len(files) < len(features.gazetteers) and not features.entity_lists:
        raise ConfigError(
            "lists of training's entities are named, and switched off",
            where="features.gazetteers",
            found=", ".join(name for name in features.gazetteers if name not in files),
            allowed=f"files (one whose name begins so: ./{_PREFIX}…), or features.entity_lists = true",
        )
    features = replace(features, gazetteers=files)
    lists = read_gazetteers(features)
    if features.entity_lists and label_set.scheme is not None:
        phrases: dict[str, set[str]] = {kind: set() for kind in label_set.kinds}
        for sentence, own in zip(sentences, labels, strict=True):
            for kind, phrase in _entities(sentence, own, label_set.ignore, case=features.gazetteer_case):
                phrases[kind].add(phrase)
        names = (*files, *(_PREFIX + kind for kind in phrases))
        features = replace(features, gazetteers=names)
        texts = ("".join(f"{phrase}\n" for phrase in sorted(own)) for own in phrases.values())
        lists = (*lists, *(Gazetteer(text, case=features.gazetteer_case) for text in texts))
    return features, Gazetteers(lists)


def own_entities(
    sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]], label_set: LabelSet, *, case: bool
) -> list[OwnEntities]:
    """Return of each sentence (S,) the entities that no other has; the same sentence again is no other.

    Parameters
    ----------
    sentences, labels : sequences of sequences of str
        The training data.
    label_set : LabelSet
        Its labels mark spans.
    case : bool
        Whether letter case counts.
    """
    of_sentences = [
        _entities(sentence, own, label_set.ignore, case=case)
        for sentence, own in zip(sentences, labels, strict=True)
    ]
    first: dict[tuple[str, str], tuple[str, ...]] = {}
    elsewhere: set[tuple[str, str]] = set()
    for sentence, found in zip(sentences, of_sentences, strict=True):
        tokens = tuple(sentence) if found else ()
        elsewhere.update(entity for entity in found if first.setdefault(entity, tokens) != tokens)
    result: list[OwnEntities] = []
    for found in of_sentences:
        alone = found - elsewhere
        kinds = {kind for kind, _ in alone}
        result.append({k: frozenset(phrase for kind, phrase in alone if kind == k) for k in kinds})
    return result


def leave_out_own(
    positions: Ints,
    names: Sequence[str],
    lists: Gazetteers,
    sentences: Sequence[Sequence[str]],
    own: Sequence[OwnEntities],
) -> None:
    """Look again for the entities of training data where a sentence's own must not be found.

    Parameters
    ----------
    positions : array (N, G)
        Where tokens stand in the phrases of each list; changed in place.
    names : sequence of str
        What a configuration calls the lists.
    lists : Gazetteers
    sentences : sequence of sequence of str
    own : sequence (S,) of OwnEntities
    """
    for g, (name, gazetteer) in enumerate(zip(names, lists, strict=True)):
        if not is_entity_list(name):
            continue
        kind, phrases = name.removeprefix(_PREFIX), {*gazetteer.phrases}
        longest = _longest_by_first(gazetteer)
        begin = 0
        for sentence, alone in zip(sentences, own, strict=True):
            end = begin + len(sentence)
            if kind in alone:
                tokens = sentence if gazetteer.case else [*map(str.casefold, sentence)]
                positions[begin:end, g] = _match(tokens, phrases, alone[kind], longest)
            begin = end


def _entities(
    sentence: Sequence[str], labels: Sequence[str], ignore: str | None, *, case: bool
) -> set[tuple[str, str]]:
    """Return kind and phrase of each entity that a line of a list can hold."""
    found = set()
    for start, end, kind in spans(labels, ignore=ignore):
        tokens = sentence[start:end]
        if len(tokens) <= LONGEST_PHRASE and not any(" " in token for token in tokens):
            phrase = " ".join(tokens)
            found.add((kind, phrase if case else phrase.casefold()))
    return found


def _longest_by_first(gazetteer: Gazetteer) -> dict[str, int]:
    """Return how many tokens the longest phrase has that begins with a token."""
    longest: dict[str, int] = {}
    for phrase in gazetteer.phrases:
        first, n = phrase.partition(" ")[0], phrase.count(" ") + 1
        longest[first] = max(n, longest.get(first, 0))
    return longest


def _match(
    tokens: Sequence[str], phrases: set[str], without: frozenset[str], longest: Mapping[str, int]
) -> list[int]:
    """Return the positions of one sentence's tokens as `PhraseTrie` does, for a list without some phrases."""
    result = [int(Position.NONE)] * len(tokens)
    i = 0
    while i < len(tokens):
        for n in range(min(longest.get(tokens[i], 0), len(tokens) - i), 0, -1):
            phrase = " ".join(tokens[i : i + n])
            if phrase in phrases and phrase not in without:
                ends = [Position.BEGIN, *[Position.INSIDE] * (n - 2), Position.END]
                result[i : i + n] = ends if n > 1 else [Position.SINGLE]
                i += n
                break
        else:
            i += 1
    return result
