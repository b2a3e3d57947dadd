"""`docs/api.md` is true: each of its commands is run against a live server, each answer compared."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from assets.models import KINDS
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.permissions import DELEGABLE, PERMISSIONS, Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.accounts.services import create_token
from flexplatform.env import BASE_DIR
from flexplatform.jobs.models import Job
from flexplatform.jobs.tasks import run_job
from tests.api.curl import ANY, Shell, Step, difference, steps
from tests.factories import MembershipFactory, OrganizationFactory, UserFactory
from tests.tenancy.operations import RESOURCES

PAGE = BASE_DIR / "docs" / "api.md"


def test_the_page_names_every_resource() -> None:
    table = PAGE.read_text().partition("## Everything there is")[2].partition("## ")[0]
    named = set(re.findall(r"`([a-z/<>-]+)`", table))
    kinds = {f"assets-{kind}" for kind in KINDS}
    assert {"assets/<kind>" if name in kinds else name for name in RESOURCES} <= named


@pytest.mark.django_db(transaction=True)
def test_every_command_of_the_page_answers_what_the_page_shows(live_server: Any, tmp_path: Path) -> None:
    organization, owner = OrganizationFactory(name="A", slug="a"), UserFactory()
    MembershipFactory(user=owner, organization=organization, role=Role.OWNER)
    with organization_scope(organization), acting("tests", Door.COMMAND):
        wanted = sorted(PERMISSIONS[Role.OWNER] & DELEGABLE)
        _, text = create_token(organization=organization, created_by=owner, name="First hour", permissions=wanted)
    yesterday = f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"
    shell = Shell(tmp_path, {"URL": f"{live_server.url}/api/v1", "TOKEN": text, "YESTERDAY": yesterday})
    found = steps(PAGE.read_text())
    for step in found:
        if "/jobs/" in step.commands:
            with organization_scope(organization):
                waiting = list(Job.objects.filter(status=Job.Status.QUEUED).values_list("pk", flat=True))
            for pk in waiting:
                run_job.apply(args=[pk], throw=True)
        shell.run(step.commands)
        assert wrong(shell, step) is None, f"{wrong(shell, step)}\n{step.commands}\n{shell.body.decode()[:2000]}"
    assert len(found) > 20


def wrong(shell: Shell, step: Step) -> str | None:
    """Return how the last answer differs from the page."""
    if step.kind == "http":
        return _wrong_http(shell, step.answer)
    if shell.status not in (200, 201):
        return f"status {shell.status}"
    if step.kind == "json":
        return difference(json.loads(step.answer), shell.json)
    pattern = ".*".join(re.escape(part) for part in step.answer.strip().split(ANY))
    return None if re.fullmatch(pattern, shell.body.decode().strip(), re.DOTALL) else "other text"


def _wrong_http(shell: Shell, answer: str) -> str | None:
    head, _, body = answer.partition("\n\n")
    first, *headers = head.splitlines()
    if shell.status != int(first.split()[1]):
        return f"status {shell.status}"
    for line in headers:
        name, _, value = line.partition(": ")
        if name not in shell.headers or value not in (ANY, shell.headers[name]):
            return f"{name}: {shell.headers.get(name)}"
    return difference(json.loads(body), shell.json)


@pytest.mark.parametrize(
    ("shown", "real", "differs"),
    [
        ({"a": 1}, {"a": 2}, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1, ANY: ANY}, {"a": 1, "b": 2}, False),
        ({"a": 1, ANY: ANY}, {"b": 2}, True),
        ([1, ANY], [1, 2, 3], False),
        ([1, ANY], [2, 2, 3], True),
        ([1, ANY], [1], True),
        ([1], [1, 2], True),
        ({"id": 1}, {"id": 7}, False),
        ({"id": 1}, {"id": "7"}, True),
        ({"a": ANY}, {}, True),
        (1.0, 1, True),
        (1, True, True),
    ],
)
def test_the_comparison_sees_differences(shown: Any, real: Any, differs: bool) -> None:
    assert (difference(shown, real) is not None) == differs
