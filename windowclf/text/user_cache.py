"""Where downloads and converted files are kept for the user."""

import os
from pathlib import Path


def cache_root(cache_dir: Path | None = None) -> Path:
    """Return the folder for files that can be made or fetched again.

    Parameters
    ----------
    cache_dir : Path, optional
        Used as it is where given; else the environment variable ``WINDOWCLF_CACHE``; else the
        platform's folder for caches (``~/.cache/windowclf`` on Linux).

    Returns
    -------
    Path
        The folder; it need not exist.
    """
    if cache_dir is not None:
        return cache_dir
    if chosen := os.environ.get("WINDOWCLF_CACHE"):
        return Path(chosen).expanduser()
    import platformdirs  # here: most commands keep nothing

    return Path(platformdirs.user_cache_dir("windowclf", appauthor=False))
