"""The entities of the training data as lists of phrases, one list for each entity type.

All entities of the training data are in the lists, and many of new text are not. So that the network does not
learn to trust the lists alone, an entity that a single training sentence has is not matched in that sentence
while training. This is the leave-one-out form of target encoding.

S sentences, G lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from windowclf.config import FeaturesConfig
from windowclf.corpus import LabelSet, spans
from windowclf.encoding.gazetteer import LONGEST_PHRASE, Gazetteer, Gazetteers
from windowclf.errors import ConfigError

_PREFIX = "entities:"  # a configuration names these lists `entities:TYPE`, beside the paths of files

OwnEntities = Mapping[str, frozenset[str]]
"""By entity type, the entities of a sentence that no other sentence has."""


def is_entity_list(name: str) -> bool:
    """Return whether a list of a configuration holds entities of the training data, and is no file."""
    return name.startswith(_PREFIX)


def read_lists(
    features: FeaturesConfig,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    label_set: LabelSet,
) -> tuple[FeaturesConfig, Gazetteers]:
    """Return the features with the names of all lists of a model to be trained, and these lists.

    Sentences and labels are the training data; if these labels mark no spans, there are no entities.

    Raises
    ------
    ConfigError
        If the features name entity lists, as those of a trained model do, and switch them off.
    DataError
        As `Gazetteer.read`.
    """
    files = tuple(name for name in features.gazetteers if not is_entity_list(name))
    if len(files) < len(features.gazetteers) and not features.entity_lists:
        raise ConfigError(
            "entity lists are named although features.entity_lists is false",
            where="features.gazetteers",
            found=", ".join(name for name in features.gazetteers if name not in files),
            allowed=f"paths of files (as ./{_PREFIX}… if a name begins so), or features.entity_lists = true",
        )
    features = replace(features, gazetteers=files)
    lists = tuple(Gazetteer.read(path, case=features.gazetteer_case) for path in files)
    if features.entity_lists and label_set.scheme is not None:
        phrases: dict[str, set[str]] = {type_: set() for type_ in label_set.kinds}
        for sentence, own in zip(sentences, labels, strict=True):
            for type_, phrase in _entities(sentence, own, label_set.ignore, case=features.gazetteer_case):
                phrases[type_].add(phrase)
        names = (*files, *(_PREFIX + type_ for type_ in phrases))
        features = replace(features, gazetteers=names)
        texts = ("".join(f"{phrase}\n" for phrase in sorted(own)) for own in phrases.values())
        lists = (*lists, *(Gazetteer(text, case=features.gazetteer_case) for text in texts))
    return features, Gazetteers(lists)


def own_entities(
    sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]], label_set: LabelSet, *, case: bool
) -> list[OwnEntities]:
    """Return for each sentence (S,) of training data the entities that no other sentence has.

    A copy of a sentence is no other sentence. The labels must mark spans; `case`: matching is case-sensitive.
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
        types = {type_ for type_, _ in alone}
        result.append({t: frozenset(phrase for type_, phrase in alone if type_ == t) for t in types})
    return result


def phrases_left_out(names: Sequence[str], own: Sequence[OwnEntities]) -> list[dict[int, frozenset[str]]]:
    """Return for each sentence (S,) the phrases of each list, by its number, that are not matched in it."""
    lists = {name.removeprefix(_PREFIX): g for g, name in enumerate(names) if is_entity_list(name)}
    return [{lists[type_]: phrases for type_, phrases in alone.items() if type_ in lists} for alone in own]


def _entities(
    sentence: Sequence[str], labels: Sequence[str], ignore: str | None, *, case: bool
) -> set[tuple[str, str]]:
    """Return type and phrase of each entity that a line of a list can hold."""
    found = set()
    for start, end, type_ in spans(labels, ignore=ignore):
        tokens = sentence[start:end]
        if len(tokens) <= LONGEST_PHRASE and not any(" " in token for token in tokens):
            phrase = " ".join(tokens)
            found.add((type_, phrase if case else phrase.casefold()))
    return found
