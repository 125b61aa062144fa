"""How many threads of linear algebra training and tagging use.

"auto" is 1. The matrix products of a mini-batch or a sentence are too small to gain much from a second
thread, and lose much where other processes want the cores; `benchmarks/threads.py` measures both. Give
a number for a network that is much wider than the default, on a machine that does nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

Threads = int | Literal["auto"]


def describe_threads(requested: Threads) -> dict[str, Any]:
    """Return the number of threads requested, the number used, and why, as records have it."""
    if requested != "auto":
        return {"requested": requested, "used": requested, "why": "as requested"}
    why = "the matrix products are too small to gain from more; see benchmarks/threads.py"
    return {"requested": "auto", "used": 1, "why": why}


@contextmanager
def limited_threads(requested: Threads) -> Iterator[None]:
    """Bound the threads of linear algebra in this process within the block."""
    from threadpoolctl import threadpool_limits  # here: help texts do without

    with threadpool_limits(describe_threads(requested)["used"]):
        yield
