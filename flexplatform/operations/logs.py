"""What processes say: plain lines for people, or one JSON object per line that names request, job and organization."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django_scopes import get_scope

PLAIN, AS_JSON = "plain", "json"
STYLES = (PLAIN, AS_JSON)

_named: ContextVar[dict[str, Any] | None] = ContextVar("named", default=None)


@contextmanager
def naming(**ids: Any) -> Iterator[None]:
    """Let every line that is said inside name these ids, such as `request` and `job`."""
    token = _named.set({**(_named.get() or {}), **ids})
    try:
        yield
    finally:
        _named.reset(token)


class JsonFormatter(logging.Formatter):
    """One JSON object per record: time (UTC), level, logger, message, ids, and `extra={"fields": ...}` of the caller.

    The organization is that of the scope in which the record was made, so that nobody has to name it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **_organization(),
            **(_named.get() or {}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str, ensure_ascii=False)


def configuration(style: str, level: str) -> dict[str, Any]:
    """Return the dictionary for `logging.config.dictConfig`; `style` is one of `STYLES`."""
    formatters: dict[str, Any] = {
        PLAIN: {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        AS_JSON: {"()": JsonFormatter},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {style: formatters[style]},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": style}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # They log whole addresses, and those of providers hold keys.
            **{name: {"level": "WARNING"} for name in ("httpx", "httpcore")},
            # It logs the path of each refused request; RequestMiddleware says the same without it.
            "django.request": {"level": "ERROR"},
        },
    }


def _organization() -> dict[str, Any]:
    """Return the id of the organization whose scope is entered; none of the platform, of several, and outside."""
    found = getattr(get_scope().get("organization"), "pk", None)
    return {} if found is None else {"organization": found}
