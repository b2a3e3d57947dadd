"""What every test stands on: quick password hashes, plain static files, two organizations with their people."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.core.cache import cache as django_cache
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test import Client
from django.test.utils import override_settings
from hypothesis import settings as hypothesis_settings

from flexplatform.accounts import audit_triggers
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door, Organization, User
from flexplatform.accounts.permissions import Role
from optimization.engine.compiled import cache
from tests.e2e.chromium import MISSING, find_chromium
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory

# The same examples in every run; `--hypothesis-profile default` looks for new ones.
hypothesis_settings.register_profile("repeatable", derandomize=True)
hypothesis_settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="run only the tests that touch the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the database tests where they are asked for; begin with the longest test, so that no worker waits for it."""
    items.sort(key=lambda item: item.path.name != "test_on_postgresql.py")
    if config.getoption("only_database"):
        others = [item for item in items if not touches_the_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if touches_the_database(item)]


def touches_the_database(item: pytest.Item) -> bool:
    """Tell whether a test says something about the database; `one_database` ones say the same about any."""
    if item.get_closest_marker("one_database") is not None:
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or not fixtures.isdisjoint({"db", "transactional_db"})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what single tests have to say about what they ran, and why those in the browser did not."""
    if find_chromium() is None:
        terminalreporter.write_line(MISSING)
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "summary":
                terminalreporter.write_line(str(value))


@pytest.fixture(scope="session", autouse=True)
def _quick_settings() -> Iterator[None]:
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        STORAGES={"staticfiles": {"BACKEND": storage}},
        MIDDLEWARE=[name for name in settings.MIDDLEWARE if "whitenoise" not in name],
    ):
        yield


@pytest.fixture(scope="session", autouse=True)
def _models_are_compiled_anew() -> None:
    """Leave no model of a test on disk, and take none from there."""
    cache.store = None


@pytest.fixture(scope="session", autouse=True)
def _emptying_is_allowed() -> Iterator[None]:
    """Let tests with real transactions empty the database, which append-only tables refuse."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def without_triggers(operations: BaseDatabaseOperations, sql_list: list[str]) -> None:
        audit_triggers.drop()
        try:
            flush(operations, sql_list)
        finally:
            audit_triggers.create()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", without_triggers)
        yield


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    """Leave nothing in the cache that another test, whose rows have the same ids, put there."""
    django_cache.clear()


@pytest.fixture
def acts() -> Iterator[None]:
    """Hold the tests themselves to account for what they write through services."""
    with acting("tests", Door.COMMAND):
        yield


@dataclass(frozen=True)
class People:
    """Alice owns A, Bob views A, Charlie owns B, Dave belongs nowhere."""

    a: Organization
    b: Organization
    alice: User
    bob: User
    charlie: User
    dave: User

    def client(self, name: str) -> Client:
        """Return a client that is signed in as the person of this name."""
        client = Client()
        client.force_login(getattr(self, name))
        return client


def make_people() -> People:
    """Store the two organizations and their people."""
    a, b = OrganizationFactory(name="A", slug="a"), OrganizationFactory(name="B", slug="b")
    names = ("alice", "bob", "charlie", "dave")
    users = {name: UserFactory(email=f"{name}@example.com") for name in names}
    MembershipFactory(user=users["alice"], organization=a, role=Role.OWNER)
    MembershipFactory(user=users["bob"], organization=a, role=Role.VIEWER)
    MembershipFactory(user=users["charlie"], organization=b, role=Role.OWNER)
    return People(a=a, b=b, **users)


@pytest.fixture
def people(db: None) -> People:
    return make_people()
