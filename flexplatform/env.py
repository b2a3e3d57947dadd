"""What the environment decides: where files live, which database, which secrets."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from environ.fileaware_mapping import FileAwareMapping

BASE_DIR = Path(__file__).resolve().parent.parent


class Variables(FileAwareMapping):
    """The environment, where `<NAME>_FILE` names a file that holds the value of `<NAME>`, such as a mounted secret."""

    def __getitem__(self, name: str) -> str:
        """Return a variable or what its file says, without the white space around it.

        Raises:
            KeyError: where there is neither.
            ImproperlyConfigured: where there are both, and for a file that cannot be read.
        """
        path = self.env.get(f"{name}_FILE")
        if not path:
            return str(self.env[name])
        if self.env.get(name):
            raise ImproperlyConfigured(f"Both {name} and {name}_FILE are set; allowed: one of them.")
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise ImproperlyConfigured(f"{name}_FILE is {path}, which cannot be read: {reason}.") from error


class Environment(environ.Env):
    """Reads variables from the environment or from files."""

    ENVIRON = Variables()


env = Environment()

PRODUCTION = env.str("ENVIRONMENT", default="development") == "production"
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
}


def secret(name: str) -> str:
    """Return the secret `name` from the environment, or one made once and kept under `VAR_DIR` in development.

    Raises:
        ImproperlyConfigured: in production when the variable is missing or empty.
    """
    value: str = env.str(name, default="")
    if value:
        return value
    if PRODUCTION:
        raise ImproperlyConfigured(f"The environment variable {name} must be set in production.")
    path = VAR_DIR / "secrets" / name.lower()
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, get_random_secret_key().encode())
        os.close(descriptor)
    return path.read_text()


def database() -> dict[str, Any]:
    """Return Django's database dictionary: `DATABASE_URL`, or SQLite under `VAR_DIR`."""
    config: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")
    if config["ENGINE"].endswith("sqlite3"):
        Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        config["OPTIONS"] = {**SQLITE_OPTIONS, **config.get("OPTIONS", {})}
    else:
        config.setdefault("CONN_HEALTH_CHECKS", True)
        size = env.int("DATABASE_POOL_SIZE", default=8)
        if size and config["ENGINE"].endswith("postgresql"):
            config["OPTIONS"] = {"pool": {"min_size": 1, "max_size": size, "timeout": 10}, **config.get("OPTIONS", {})}
        else:
            config.setdefault("CONN_MAX_AGE", 60)
    return config


def origin(url: str) -> str:
    """Return scheme and host of an address, as a content security policy names it; `{s}` stands for any subdomain."""
    parts = urlsplit(url.replace("{s}", "*"))
    return f"{parts.scheme}://{parts.netloc}"
