"""Train a mode of the tuning study, and count what its model gets right on the test data.

M vectors that training reads, R vectors that only dev and test read, D dimensions, S test sentences.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from windowclf.config import Config
from windowclf.encoding import N_SPECIAL, Vocabulary, choose_words, count_words
from windowclf.evaluation import LABEL, Knowledge, sentence_counts, slice_counts
from windowclf.inspection import trace_movement
from windowclf.runs.study.cells import Carrying, Cell, CellKey, CellRecord
from windowclf.runs.study.data import Labelled, StudyData
from windowclf.runs.study.modes import CARRIED, configure
from windowclf.tagger import WindowTagger
from windowclf.training import FITS, Calibrated, EpochDone
from windowclf.vectors import is_random

STRENGTHS = (0.25, 0.5, 0.75, 1.0)  # of carrying over, beside none; chosen on dev


@dataclass(frozen=True, slots=True)
class Job:
    """A training."""

    key: CellKey  # never of the mode that carries over, which starts from a training of `tuned`
    carries: bool  # whether the movement is carried over afterwards, for another cell
    model: Path | None  # where the model is kept, to read drift from it


def train_cells(
    job: Job, config: Config, data: StudyData, *, check: Callable[[], None] = lambda: None
) -> Iterator[tuple[CellKey, Cell]]:
    """Train and yield one cell, or two where the movement is carried over afterwards.

    `check` is called at every step; an exception that it raises ends the training.
    """
    key = job.key
    part = data.train.take(key.size, key.seed)
    config = configure(config, key.mode, n_sentences=len(part.sentences), dimension=data.vectors.dimension)
    config = replace(config, training=replace(config.training, seed=key.seed))
    tagger = WindowTagger(config, vectors=None if is_random(config.model.vectors) else data.vectors)
    began = perf_counter()
    rates: list[float] = []
    dev_score = 0.0
    for event in tagger.fit_events(part.sentences, part.labels, dev=(data.dev.sentences, data.dev.labels)):
        check()
        if isinstance(event, EpochDone):
            rates.append(event.words_per_second)
        elif isinstance(event, Calibrated):  # the last event: the dev score of the finished model
            dev_score = event.dev_score
    seconds = perf_counter() - began
    training = tagger.model.info["training"]
    record = CellRecord(
        words=part.n_words,
        sentences=len(part.sentences),
        best_epoch=training["best_epoch"],
        epochs=tagger.model.config.training.epochs,
        dev_score=dev_score,
        carrying=(),
        seconds=seconds,
        words_per_second=float(np.median(rates)),
    )
    knowledge = _knowledge(tagger.model.vocabulary, part, config, data)
    if job.model is not None:
        tagger.save(job.model)
    yield key, _count(tagger, record, knowledge, data)
    if job.carries:
        trials = list(carry_best(tagger, data, dev_score, check=check))
        carried = replace(record, dev_score=max(trial.dev_score for trial in trials), carrying=tuple(trials))
        yield replace(key, mode=CARRIED), _count(tagger, carried, knowledge, data)


def _knowledge(vocabulary: Vocabulary, part: Labelled, config: Config, data: StudyData) -> Knowledge:
    """Collect what is known of words: the same for all modes with the same training data."""
    if is_random(config.model.vectors):
        counts = count_words(part.sentences)
        words = choose_words(data.vectors.words, counts, config.model.max_vectors)
        vocabulary = Vocabulary(words, counts)
    return Knowledge.of(part.sentences, part.labels, vocabulary, **data.scoring)


def _count(tagger: WindowTagger, record: CellRecord, knowledge: Knowledge, data: StudyData) -> Cell:
    test = data.test
    predicted = tagger.predict(test.sentences)
    slices = slice_counts(test.sentences, test.labels, predicted, knowledge, **data.scoring)
    slices[LABEL] = {name: counts.sum(axis=0, keepdims=True) for name, counts in slices[LABEL].items()}
    return Cell(record, sentence_counts(test.labels, predicted, **data.scoring), slices)


def carry_best(
    tagger: WindowTagger, data: StudyData, dev_score: float, *, check: Callable[[], None] = lambda: None
) -> Iterator[Carrying]:
    """Carry the movement over, in place, in the way that is best on dev, and yield every way that was tried.

    Only the vectors that dev and test read and training does not (R) are moved. Of equal ways, the first
    counts; the very first is to carry nothing, with `dev_score`.
    """
    model, dev = tagger.model, (data.dev.sentences, data.dev.labels)
    movement = trace_movement(model, vectors=data.vectors, most=1)  # always includes the words of training
    before, after = movement.before, movement.after  # (M, D)
    ids = [model.encoder.encode(corpus.sentences).words[:, 0] - N_SPECIAL for corpus in (data.dev, data.test)]
    rows = np.unique(np.concatenate(ids))
    rows = rows[rows >= len(before)]
    vectors = model.parameters["vectors"]
    start = vectors[rows].copy()
    has_moved = (before != after).any(axis=1)
    best, best_rows = dev_score, start
    yield Carrying("none", 0.0, best)
    for method, fit in FITS.items() if has_moved.any() else ():
        points = before[has_moved]
        displaced = fit(points, after[has_moved] - points)(start)
        for strength in STRENGTHS:
            check()
            vectors[rows] = moved = start + (strength * displaced).astype(start.dtype)
            score = tagger.evaluate(*dev, calibration=False).main_score
            if score > best:
                best, best_rows = score, moved
            yield Carrying(method, strength, score)
    vectors[rows] = best_rows
