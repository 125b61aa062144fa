"""What happens to the service itself, as lines of JSON on standard error beside those of requests."""

import logging
import os
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

_STANDARD_ERROR = 2
_encode = msgspec.json.Encoder(enc_hook=str).encode


def log_event(level: str, message: str, **fields: object) -> None:
    """Write a line: the time in UTC, "info", "warning" or "error", what happened, and what else is known."""
    line = _encode({"time": datetime.now(UTC), "level": level, "message": message, **fields}) + b"\n"
    with suppress(OSError):  # nobody reads the log any more: no reason to end
        os.write(_STANDARD_ERROR, line)


class EventHandler(logging.Handler):
    """Turns what libraries log into such lines, a traceback included."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        fields = {"logger": record.name}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        log_event(record.levelname.lower(), record.getMessage(), **fields)


def install_logging() -> None:
    """Send the log of this process to standard error as events."""
    logging.basicConfig(handlers=[EventHandler()], level=logging.WARNING, force=True)
    # malformed requests are answered, counted and logged by BoundedProtocol
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
