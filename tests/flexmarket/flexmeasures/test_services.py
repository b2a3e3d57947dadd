"""Where an organization is reflected, and with which account: checked, encrypted, audited, never shown."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import override_settings

from assets.models import Site
from flexmarket.flexmeasures.errors import UnreachableError
from flexmarket.flexmeasures.services import account_of, forget_server, request_push, server_of, set_server, switch
from flexmarket.models import FlexMeasuresLink, FlexMeasuresServer
from flexplatform.accounts.models import AuditEvent, Membership
from flexplatform.accounts.permissions import Role
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from forecasting.models import ProviderKey
from tests.conftest import People
from tests.factories import planned_site

SECRET = "pass word – ü 0123"
URL, OTHER = "https://fm.example.com", "https://other.example.com"
EMAIL = "robot@example.com"
PAGE = "/o/a/flexmeasures/"
GIVEN = {"url": URL, "email": EMAIL, "secret": SECRET}


def entered(people: People, secret: str = SECRET, **values: Any) -> FlexMeasuresServer:
    return set_server(organization=people.a, values={"url": URL, "email": EMAIL, **values}, secret=secret)


def linked(people: People) -> FlexMeasuresLink:
    site = planned_site(people.a)[0]
    return FlexMeasuresLink.objects.create(organization=people.a, kind="site", site=site, remote_id=1)


@pytest.mark.usefixtures("in_a")
def test_the_secret_is_encrypted_and_in_no_event(people: People) -> None:
    server = entered(people)
    assert account_of(server).secret == SECRET
    with connection.cursor() as cursor:
        cursor.execute("SELECT ciphertext FROM forecasting_providerkey")
        assert SECRET.encode() not in bytes(cursor.fetchone()[0])
    events = AuditEvent.objects.order_by("pk")
    assert {"flexmeasuresserver.create", "providerkey.set"} <= {event.action for event in events}
    assert SECRET not in str(list(events.values()))
    with override_settings(PROVIDER_KEY_SECRETS=["lost"]), pytest.raises(UnreachableError, match="Enter it again"):
        account_of(server)


@pytest.mark.usefixtures("in_a")
def test_the_secret_goes_to_no_other_server_or_account(people: People) -> None:
    entered(people)
    assert entered(people, secret="").url == URL
    for change in ({"url": OTHER}, {"email": "other@example.com"}, {"email": ""}):
        with pytest.raises(ValidationError) as raised:
            entered(people, secret="", **change)
        assert list(raised.value.message_dict) == ["secret"]
    assert server_of(people.a).url == URL


@pytest.mark.usefixtures("in_a")
def test_another_server_knows_none_of_the_ids(people: People) -> None:
    entered(people)
    linked(people)
    entered(people, secret="new")
    assert FlexMeasuresLink.objects.count() == 1
    entered(people, url=OTHER)
    assert FlexMeasuresLink.objects.count() == 0


@pytest.mark.usefixtures("in_a")
@pytest.mark.parametrize(
    ("values", "secret", "field"),
    [
        ({"url": "http://fm.example.com"}, SECRET, "url"),
        ({"url": "https://10.0.0.1"}, SECRET, "url"),
        ({"email": "nobody"}, SECRET, "email"),
        ({}, "x" * 201, "secret"),
        ({}, "line\nbreak", "secret"),
        ({}, "", "secret"),
    ],
)
def test_what_is_wrong_is_told_by_field(people: People, values: dict[str, Any], secret: str, field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        entered(people, secret=secret, **values)
    assert list(raised.value.message_dict) == [field]
    assert not FlexMeasuresServer.objects.exists()
    assert not ProviderKey.objects.exists()


@pytest.mark.usefixtures("in_a")
def test_a_server_is_forgotten_with_its_secret_and_ids(people: People) -> None:
    entered(people)
    linked(people)
    forget_server(organization=people.a)
    forget_server(organization=people.a)
    assert not FlexMeasuresServer.objects.exists()
    assert not ProviderKey.objects.exists()
    assert not FlexMeasuresLink.objects.exists()
    with pytest.raises(ValidationError, match="has no FlexMeasures server"):
        switch(organization=people.a, enabled=True)
    with pytest.raises(ValidationError, match="has no FlexMeasures server"):
        request_push(organization=people.a)


@pytest.mark.usefixtures("in_a")
def test_no_site_of_another_organization_is_pushed(people: People) -> None:
    entered(people)
    with organization_scope(people.b):
        theirs: Site = planned_site(people.b)[0]
    with pytest.raises(ValidationError, match="a site of the organization"):
        request_push(organization=people.a, site=theirs)


@pytest.mark.usefixtures("in_a")
def test_a_job_without_a_secret_or_with_an_address_of_no_list_any_more_fails_in_words(people: People) -> None:
    def ended() -> str:
        job = request_push(organization=people.a)
        execute(job.pk, worker="tests", beat_every=0)
        job.refresh_from_db()
        assert job.status == Job.Status.FAILED
        return job.error

    with override_settings(FLEXMEASURES_ALLOWED_HOSTS=["127.0.0.1"]):
        entered(people, url="http://127.0.0.1:9")
    assert "https only" in ended()
    entered(people)
    ProviderKey.objects.all().delete()
    assert ended() == f"{URL}: No password or token is stored."
    assert server_of(people.a).is_failing


def test_the_page_takes_a_server_and_never_shows_the_secret(people: People) -> None:
    client = people.client("alice")
    wrong = client.post(f"{PAGE}server/", {**GIVEN, "url": "http://fm.example.com"})
    assert wrong.status_code == 422
    assert "https only" in wrong.content.decode()
    assert SECRET not in wrong.content.decode()
    assert client.post(f"{PAGE}server/", {**GIVEN, "email": "nobody"}).status_code == 422
    assert client.post(f"{PAGE}server/", GIVEN).status_code == 302
    page = client.get(PAGE).content.decode()
    assert URL in page
    assert SECRET not in page
    assert client.post(f"{PAGE}switch/", {"enabled": "on"}).status_code == 302
    with organization_scope(people.a):
        assert server_of(people.a).enabled
    assert client.post(f"{PAGE}push/").headers["Location"].startswith("/o/a/jobs/")
    assert client.post(f"{PAGE}forget/").status_code == 302
    assert client.post(f"{PAGE}push/").headers["Location"] == PAGE
    assert client.post(f"{PAGE}switch/", {"enabled": "on"}).headers["Location"] == PAGE


def test_only_those_who_configure_may_change_it(people: People) -> None:
    may = {}
    for role in Role:
        Membership.objects.filter(user=people.bob).update(role=role)
        client = people.client("bob")
        shown = "Store server" in client.get(PAGE).content.decode()
        may[role] = (shown, client.post(f"{PAGE}server/", GIVEN).status_code, client.post(f"{PAGE}push/").status_code)
    assert may == {
        Role.VIEWER: (False, 403, 403),
        Role.OPERATOR: (False, 403, 302),
        Role.ASSET_MANAGER: (True, 302, 302),
        Role.AGGREGATOR: (False, 403, 302),
        Role.OWNER: (True, 302, 302),
    }
