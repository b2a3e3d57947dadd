"""The whole API against its own description: whatever is sent, no answer is a server error or undescribed."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache as counted
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.api.conftest import caller
from tests.conftest import People
from tests.tenancy.conftest import World
from tests.tenancy.operations import OPERATIONS, RESOURCES

pytestmark = pytest.mark.one_database

# Devices of every kind have one view, so that each needs fewer; what does not fit costs most to make.
EXAMPLES = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 3}
EXAMPLES_OF_A_KIND = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 1}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@pytest.fixture(autouse=True)
def _unlimited(db: None) -> None:
    """Count the calls anew."""
    counted.clear()


@pytest.fixture
def token(people: People) -> str:
    """Return the header of a token that may do all that a token can, where there is one row of everything."""
    World(people.a, people.alice)
    return str(caller(people.a, people.alice)._credentials["HTTP_AUTHORIZATION"])


@pytest.fixture
def ids(token: str, resource: str) -> dict[str, int]:
    """Return the id of a row of each resource that has any; of devices by kind, only of the kind asked about."""
    client, found = APIClient(), {}
    client.credentials(HTTP_AUTHORIZATION=token)
    for each in OPERATIONS:
        needed = each.resource == resource or not each.resource.startswith("assets-")
        if needed and each.action == "list" and not each.about_a_row:
            rows = client.get(each.route).json().get("results") or [{}]
            found[each.resource] = rows[0].get("id", 0)
    return found


@cache
def described() -> Any:
    """Return the description, which is the same for all tests."""
    return schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", get_wsgi_application())


@cache
def operations() -> list[Any]:
    """Return every operation of the description."""
    return [found.ok() for found in described().get_all_operations()]


def paths() -> Iterator[str]:
    for each in OPERATIONS:
        yield f"{each.method.upper()} {each.route.replace('<int:pk>', '{id}')}"


def test_every_operation_is_described() -> None:
    assert {operation.label for operation in operations()} == set(paths())


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_answer_lies_outside_of_the_description(token: str, ids: dict[str, int], resource: str) -> None:
    routes = {each.route.replace("<int:pk>", "{id}") for each in OPERATIONS if each.resource == resource}
    for operation in operations():
        if operation.path in routes:
            for mode in MODES:
                ask(operation, mode, token, ids, resource)


def ask(operation: Any, mode: GenerationMode, token: str, ids: dict[str, int], resource: str) -> None:
    """Send what fits the description (or just does not), about rows that there are as often as not."""

    @settings(
        max_examples=(EXAMPLES_OF_A_KIND if resource.startswith("assets-") else EXAMPLES)[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), known=st.sampled_from([True, True, False]))
    def run(case: Any, known: bool) -> None:
        if known:
            point_to_rows(case, ids, resource)
        with rolled_back():
            answer = case.call(headers={"Authorization": token})
        case.validate_response(answer, checks=CHECKS)

    run()


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what happens inside, and let no request end the transaction of the test by closing the connection."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def point_to_rows(case: Any, ids: dict[str, int], resource: str) -> None:
    """Replace what names a row by the id of one that exists."""
    known = {name.rstrip("s"): pk for name, pk in ids.items()} | {"run": ids["schedule-runs"]}
    if "id" in (case.path_parameters or {}):
        case.path_parameters["id"] = ids[resource]
    for place in (case.query, case.body):
        if isinstance(place, dict):
            place.update({name: pk for name, pk in known.items() if name in place})
