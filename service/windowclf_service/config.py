"""The operator's settings: models, limits, keys, allowed origins."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one request, and of all requests together.

    Attributes
    ----------
    body_bytes : int
        Longest body of a request, after decompression.
    stream_bytes : int
        Longest body of a request in newline-delimited JSON, which may hold any number of inputs.
    inputs : int
        Most inputs of a request that is not newline-delimited JSON.
    characters : int
        Longest input, in Unicode code points; for tokens, including the spaces that join them.
    in_flight : int
        Most requests answered at once, over all workers; further ones get status 429.
    timeout : float
        Seconds until an answer must start; later the request gets status 503 and work on it stops.
    """

    body_bytes: int = 1_000_000
    stream_bytes: int = 16_000_000
    inputs: int = 64
    characters: int = 1_000_000
    in_flight: int = 64
    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """All settings of the service.

    Attributes
    ----------
    models : tuple of str
        Model directories or names of shipped models, each optionally as `NAME=PATH`. Without a name, a model
        has the name of its directory. The first model answers requests that name none.
    limits : Limits
    keys : tuple of str
        Bearer keys for /v1 and /v2; without any, these routes are open.
    origins : tuple of str
        Origins whose pages may call the service from a browser (CORS), such as `https://example.org`.
    access_log : bool
        Whether each request is logged as a line of JSON on standard error.
    table_mb : float
        Megabytes (2^20 bytes) for the tables of compiled models, shared by all models.
    reload_seconds : float
        Seconds between two looks at the model directories for a new version.
    """

    models: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = ()
    access_log: bool = True
    table_mb: float = 128.0
    reload_seconds: float = 5.0
