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


def test_a_secret_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "secret"))
    assert env.secret("SOME_SECRET") == "from a file"
    (tmp_path / "secret").write_text("postgres://user:word@db:5432/flex\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "secret"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert env.database()["HOST"] == "db"


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "missing"))
    with pytest.raises(
        ImproperlyConfigured, match=r"SOME_SECRET_FILE is .*missing, which cannot be read: No such file"
    ):
        env.secret("SOME_SECRET")


def test_a_secret_that_is_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "one")
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "other"))
    with pytest.raises(ImproperlyConfigured, match="Both SOME_SECRET and SOME_SECRET_FILE are set"):
        env.secret("SOME_SECRET")
