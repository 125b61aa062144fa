"""Memory of the workers, whatever text comes: the same measurement sees a leak where one is planted."""

from pathlib import Path

import pytest

import service_strain
from serving import same_server, windowclf_serve

N_BEFORE, N_REQUESTS = 1000, 2000
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc"),
]


def test_workers_do_not_grow_with_fresh_text(sample_model: Path) -> None:
    with windowclf_serve(sample_model, "--workers", 2, "--no-access-log") as service:
        growth = service_strain.growth(service, N_REQUESTS, N_BEFORE)
    assert max(growth) <= service_strain.GROWTH_ALLOWED_MB


def test_a_planted_leak_is_seen(sample_model: Path) -> None:
    # sixty megabytes in each of two workers: what malloc keeps free after the warm-up hides the first twenty
    leaked = 60_000_000 * 2 // N_REQUESTS
    with same_server("leaking", 2, MODEL=str(sample_model), LEAKED_BYTES=str(leaked)) as service:
        growth = service_strain.growth(service, N_REQUESTS, N_BEFORE)
    assert max(growth) > service_strain.GROWTH_ALLOWED_MB
