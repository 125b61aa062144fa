"""Results of a tuning study, made up: as large as a real one, or with parts of it alone."""

import random
from collections.abc import Sequence
from statistics import mean

from windowclf.evaluation import GROUPS
from windowclf.inspection import WordDrift
from windowclf.inspection.drift import Neighbour
from windowclf.runs import BASELINE, MODES, TUNED, StudyResults
from windowclf.runs.study.modes import CARRIED
from windowclf.runs.study.results import (
    CarryingTrial,
    Corpus,
    Gap,
    ModeTest,
    Point,
    ProjectedWord,
    Replaced,
    SizeDrift,
    Slice,
    Vectors,
)

WORDS = {"1000": 1_003, "10000": 10_012, "100000": 100_004, "all": 204_607}
CARRYING = {"none": (0.0,), "ridge": (0.25, 0.5, 0.75, 1.0), "neighbours": (0.25, 0.5, 0.75, 1.0)}
LABELS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
PROJECTED = "tv telly television film movie cinema london paris rome city town village good great bad".split()
NEVER_READ = frozenset({"telly", "cinema", "village", "rome"})


def made_up_study(
    *,
    score: str = "token_accuracy",
    corpus: str = "ewt",
    sizes: Sequence[str] = tuple(WORDS),
    modes: Sequence[str] = tuple(MODES),
    seeds: int = 10,
    words: Sequence[str] = PROJECTED,
    verdict: Sequence[str] = ("Up to 10,012 words nothing is clearly better than frozen.", "Tuning strands."),
) -> StudyResults:
    """Return results, the same for the same arguments: of other modes, words or corpora, in all parts."""
    rng = random.Random(0)
    others = [mode for mode in modes if mode != BASELINE]
    train, dev, test = (
        Corpus(f"{corpus}:{part}", f"{i:064x}", 2_000 + i, 25_000 + i) for i, part in enumerate("abc", 10)
    )
    return StudyResults(
        score,
        train,
        dev,
        test,
        vectors=Vectors(f"{corpus}-vectors", "f" * 64, 400_000, 50),
        config={"model": {"hidden": [128], "window": 5}, "training": {"learning_rate": 0.01, "note": corpus}},
        versions={"windowclf": "0.1.0", "numpy": "2.3.4"},
        threads=1,
        sizes=tuple(sizes),
        modes={mode: MODES[mode] for mode in modes},
        seeds=seeds,
        points=tuple(_point(rng, size, mode, seeds) for size in sizes for mode in modes),
        tests=tuple(_test(rng, size, mode, seeds) for size in sizes for mode in others),
        carrying=tuple(
            CarryingTrial(size, method, strength, 0.85 + rng.random() / 50, rng.randrange(4))
            for size in sizes
            if CARRIED in modes
            for method, strengths in CARRYING.items()
            for strength in strengths
        ),
        drift=tuple(_drift(rng, size, words) for size in sizes if TUNED in modes),
        verdict=tuple(verdict),
    )


def _point(rng: random.Random, size: str, mode: str, seeds: int) -> Point:
    centre = 0.78 + 0.02 * list(WORDS).index(size) - (0.09 if mode == "random" else 0)
    scores, dev = (tuple(centre + rng.gauss(0, 0.004) for _ in range(seeds)) for _ in range(2))
    half = 0.003 if seeds > 1 else None
    return Point(
        size,
        WORDS[size],
        mode,
        scores,
        dev,
        mean(scores),
        None if half is None else mean(scores) - half,
        None if half is None else mean(scores) + half,
        {
            group: {
                name: Slice(
                    count := 0.0 if name.startswith("unseen without") and size == "all" else 900.5 - 30 * i,
                    score := centre - 0.05 * i + rng.gauss(0, 0.003) if count else 0.0,
                    None if half is None else score - half,
                    None if half is None else score + half,
                    _gap(rng) if group in ("training", "vectors", "ambiguity") and mode != BASELINE else None,
                )
                for i, name in enumerate(names)
            }
            for group, names in {**GROUPS, "label": LABELS}.items()
        },
    )


def _gap(rng: random.Random) -> Gap:
    difference = rng.gauss(0, 0.01)
    return Gap(difference, difference - 0.005, difference + 0.006)


def _test(rng: random.Random, size: str, mode: str, seeds: int) -> ModeTest:
    gap = Gap(-0.09, -0.1, -0.08) if mode == "random" else _gap(rng)
    p = rng.random() / 20 if gap.low * gap.high > 0 else 0.3
    corrected = min(1.0, p * 3)
    return ModeTest(size, mode, gap, p, corrected, p / 2 if seeds >= 10 else None, corrected < 0.05)


def _drift(rng: random.Random, size: str, words: Sequence[str]) -> SizeDrift:
    def neighbours() -> tuple[Neighbour, ...]:
        return tuple(
            Neighbour(rng.choice(words), rng.randrange(50), rng.random(), rng.random()) for _ in range(10)
        )

    def drifted(word: str, count: int) -> WordDrift:
        score = 0.0 if count else rng.random() / 2
        return WordDrift(word, count, 5.1, 0.8, 0.6, score, neighbours(), neighbours())

    def projected(word: str) -> ProjectedWord:
        x, y = rng.gauss(0, 2), rng.gauss(0, 1)
        if word in NEVER_READ:
            return ProjectedWord(word, 0, (x, y), (x, y))
        return ProjectedWord(word, rng.randrange(1, 900), (x, y), (x + rng.gauss(0, 1), y + rng.gauss(0, 1)))

    return SizeDrift(
        size,
        f"cells/{size}-tuned-0",
        40_000,
        20_123,
        20_001,
        12_345,
        0.27,
        tuple(drifted(word, 7) for word in words),
        tuple(drifted(word, 0) for word in words),
        tuple(map(projected, words)),
        (Replaced(TUNED, 612, 187, 560, 430), Replaced(BASELINE, 612, 101, 555, 520)) if words else (),
    )
