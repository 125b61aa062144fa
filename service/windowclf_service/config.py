"""What an operator decides: limits, keys, who may ask from another origin."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client, or all of them together, may ask for.

    Attributes
    ----------
    body_bytes : int
        Longest body of a request.
    stream_bytes : int
        Longest body of a request in newline-delimited JSON, which may hold any number of inputs.
    inputs : int
        Most inputs of a request, other than a stream's.
    characters : int
        Longest input, in Unicode code points; of tokens, with the spaces that join them.
    in_flight : int
        Most requests that are answered at once, over all workers; those beyond are told to come again.
    timeout : float
        Seconds from the first byte of a request to the start of its answer.
    """

    body_bytes: int = 1_000_000
    stream_bytes: int = 16_000_000
    inputs: int = 64
    characters: int = 1_000_000
    in_flight: int = 64
    timeout: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """Everything that decides what the service does.

    Attributes
    ----------
    models : tuple of str
        Model directories, or names of shipped models. Each goes by the name of its directory, and the first
        answers requests that name none.
    limits : Limits
    keys : tuple of str
        Bearer keys, any of which opens /v1 and /v2; none: these are open.
    origins : tuple of str
        Origins whose pages may call the service from a browser (CORS), such as `https://example.org`.
    access_log : bool
        Whether a line of JSON on standard error tells of every request.
    """

    models: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = ()
    access_log: bool = True
