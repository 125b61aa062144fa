"""The operator's settings: models, limits, keys, allowed origins."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one request, and of all requests together."""

    body_bytes: int = 1_000_000  # longest body, after decompression
    stream_bytes: int = 16_000_000  # the same in newline-delimited JSON, with any number of inputs
    inputs: int = 64  # most inputs of a request that is not newline-delimited JSON
    characters: int = 1_000_000  # longest input, in code points; for tokens, with the spaces that join them
    in_flight: int = 64  # most requests answered at once, over all workers; further ones get status 429
    timeout: float = 30.0  # seconds until an answer must start; then status 503, and work on it stops


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """All settings of the service. `models` are as in `name_models`; the first answers if none is named."""

    models: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = field(default=(), repr=False)  # for /v1 and /v2; without any, these are open
    origins: tuple[str, ...] = ()  # whose pages may call the service (CORS), such as https://example.org
    access_log: bool = True  # each request as a line of JSON on standard error
    table_mb: float = 128.0  # megabytes (2^20 bytes) for the tables of all compiled models together
    reload_seconds: float = 5.0  # between two looks at the model directories for a new version
