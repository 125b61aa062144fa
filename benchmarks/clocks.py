"""Clocks around functions of windowclf: where the time goes."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any

Part = tuple[Any, str, str]  # a module or class, a name in it, and what its time is counted as


@contextmanager
def clocks(parts: Sequence[Part]) -> Iterator[dict[str, float]]:
    """Time functions wherever they have been imported; yield the seconds of each part.

    The time of a part is without that of the parts it calls. Where an operation returns its backward pass,
    last of a tuple, that is timed too, as the same part.
    """
    spent: dict[str, float] = defaultdict(float)
    inside: list[float] = []  # seconds of the parts that each running part called

    def with_clock(function: Callable[..., Any], title: str) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            inside.append(0.0)
            began = perf_counter()
            try:
                result = function(*arguments, **options)
            finally:
                seconds = perf_counter() - began
                spent[title] += seconds - inside.pop()
                if inside:
                    inside[-1] += seconds
            if isinstance(result, tuple) and callable(result[-1]):
                return (*result[:-1], with_clock(result[-1], title))
            return result

        return run

    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "windowclf"]
    with ExitStack() as stack:
        for owner, name, title in parts:
            original = getattr(owner, name)
            for place in [owner] if isinstance(owner, type) else modules:
                if name in vars(place) and vars(place)[name] is original:
                    stack.callback(setattr, place, name, original)
                    setattr(place, name, with_clock(original, title))
        yield spent


def shares(spent: dict[str, float], parts: Sequence[Part], seconds: float, rest: str) -> dict[str, float]:
    """Return the seconds of each part in its order, and those that are left of all, as the rest."""
    found = {title: spent.get(title, 0.0) for *_, title in parts}
    return found | {rest: seconds - sum(found.values())}
