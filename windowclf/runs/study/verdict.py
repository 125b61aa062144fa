"""The results of the tuning study in words; every claim rests on a test or an interval."""

from collections.abc import Sequence

from windowclf.runs.study.data import ALL
from windowclf.runs.study.modes import BASELINE, CARRIED, TUNED
from windowclf.runs.study.results import CarryingTrial, Gap, ModeTest, Point

FROZEN_BELOW, TUNED_FROM = 100_000, 1_000_000  # words of training: the lecture's rule
_SEEN, _LEFT = "seen", "vector never read"


def verdict_of(
    points: Sequence[Point],
    tests: Sequence[ModeTest],
    carrying: Sequence[CarryingTrial],
    *,
    of_spans: bool,
) -> tuple[str, ...]:
    """Return the verdict, a sentence or two each: tuning, the rule, every mode, unseen words, carrying over.

    `of_spans` says whether entities were scored, or else words.
    """
    words = {point.size: point.words for point in points}
    of_tuned = [test for test in tests if test.mode == TUNED]
    return (
        *_on_tuning(words, of_tuned),
        *_on_the_rule(words, of_tuned),
        *_on_modes(words, points, tests),
        *_on_unseen_words(points, of_spans=of_spans),
        *_on_carrying(points, carrying),
    )


def _on_tuning(words: dict[str, int], of_tuned: Sequence[ModeTest]) -> list[str]:
    """Say of each size whether tuning helps."""
    found = [f"{_effect(test)} at {words[test.size]:,} words ({_gap(test.gap)})" for test in of_tuned]
    return [f"Tuning the vectors, against leaving them frozen: {'; '.join(found)}."] if found else []


def _on_the_rule(words: dict[str, int], of_tuned: Sequence[ModeTest]) -> list[str]:
    """Say whether the lecture's rule holds at the sizes that were tried."""
    small = [test for test in of_tuned if words[test.size] < FROZEN_BELOW]
    large = [test for test in of_tuned if words[test.size] >= TUNED_FROM]
    said = []
    for rule, keeps, sign in (
        (f"Below {FROZEN_BELOW:,} words keep them frozen", small, -1),
        (f"From {TUNED_FROM:,} words tune them", large, 1),
    ):
        if not keeps:
            said.append(f"“{rule}” was not tried: no size falls under it.")
            continue
        right = sum(t.is_clear and t.gap.difference * sign > 0 for t in keeps)
        wrong = sum(t.is_clear and t.gap.difference * sign < 0 for t in keeps)
        said.append(
            f"“{rule}”: of {_number(len(keeps))} under this rule, the evidence is for it at {right}, "
            f"against it at {wrong}, and for neither at {len(keeps) - right - wrong}."
        )
    return said if of_tuned else []


def _on_modes(words: dict[str, int], points: Sequence[Point], tests: Sequence[ModeTest]) -> list[str]:
    """Say which mode is best at each size, and which are clearly better or worse than the baseline."""
    said = []
    for size, n in words.items():
        best = max((point for point in points if point.size == size), key=lambda point: point.mean)
        of_size = [test for test in tests if test.size == size]
        better = [test.mode for test in of_size if test.is_clear and test.gap.difference > 0]
        worse = [test.mode for test in of_size if test.is_clear and test.gap.difference < 0]
        said.append(
            f"At {n:,} words{' (all)' if size == ALL else ''}, {best.mode} has the highest mean "
            f"({100 * best.mean:.2f} %). Clearly better than {BASELINE}: {', '.join(better) or 'none'}; "
            f"clearly worse: {', '.join(worse) or 'none'}."
        )
    return said


def _on_unseen_words(points: Sequence[Point], *, of_spans: bool) -> list[str]:
    """Say how tuning affects words that training saw, and those whose vector it never read."""
    said = []
    of, having = ("entities of ", "entities with ") if of_spans else ("", "")
    titles = {_SEEN: f"{of}words seen in training", _LEFT: f"{having}words whose vector training never read"}
    for name, title in titles.items():
        gaps = [
            (point.words, part.gap)
            for point in points
            if point.mode == TUNED and (part := point.part(name)) is not None and part.gap is not None
        ]
        if gaps:
            found = "; ".join(f"{_direction(gap)} at {n:,} ({_gap(gap)})" for n, gap in gaps)
            said.append(f"On {title}, tuning by words of training: {found}.")
    return said


def _on_carrying(points: Sequence[Point], carrying: Sequence[CarryingTrial]) -> list[str]:
    """Say whether carrying movement over closes the gap on words that training never read."""
    found = []
    for size in dict.fromkeys(trial.size for trial in carrying):
        parts = {point.mode: point.part(_LEFT) for point in points if point.size == size}
        tuned, carried = parts.get(TUNED), parts.get(CARRIED)
        if tuned is None or carried is None or tuned.gap is None or carried.gap is None:
            continue
        n = next(point.words for point in points if point.size == size)
        nothing = next((t.chosen for t in carrying if t.size == size and not t.strength), 0)
        seeds = sum(t.chosen for t in carrying if t.size == size)
        found.append(
            f"at {n:,} words from {100 * tuned.gap.difference:+.2f} to {_gap(carried.gap)}; "
            f"dev chose to carry nothing for {nothing} of {_number(seeds, 'seed')}"
        )
    if not found:
        return []
    return [
        "Carrying the movement over to words never read changes their difference from frozen "
        f"{'. '.join([found[0], *(part[0].upper() + part[1:] for part in found[1:])])}."
    ]


def _effect(test: ModeTest) -> str:
    if not test.is_clear:
        return "no clear difference"
    return "helps" if test.gap.difference > 0 else "harms"


def _direction(gap: Gap) -> str:
    """Describe an interval, which was not tested."""
    if gap.low == gap.high == 0:
        return "changes nothing"
    if gap.low <= 0 <= gap.high:
        return "is inconclusive"
    return "helps" if gap.low > 0 else "harms"


def _gap(gap: Gap) -> str:
    return f"{100 * gap.difference:+.2f}, {100 * gap.low:+.2f} to {100 * gap.high:+.2f}"


def _number(n: int, noun: str = "size") -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
