from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from flexplatform import env


def test_a_secret_is_made_once_and_kept_to_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "VAR_DIR", tmp_path)
    first = env.secret("SOME_SECRET")
    assert len(first) >= 50
    assert env.secret("SOME_SECRET") == first
    assert (tmp_path / "secrets" / "some_secret").stat().st_mode & 0o777 == 0o600


def test_a_secret_from_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "given")
    assert env.secret("SOME_SECRET") == "given"


def test_production_names_the_secret_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "PRODUCTION", True)
    with pytest.raises(ImproperlyConfigured, match="SOME_SECRET"):
        env.secret("SOME_SECRET")


def test_tiles_are_allowed_by_their_host_only() -> None:
    assert env.origin("https://{s}.tile.example.org/{z}/{x}/{y}.png") == "https://*.tile.example.org"
