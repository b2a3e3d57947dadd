"""Requests that were not made by a browser of ours: too large, forged, repeated, full of code or of nothing."""

import re
from io import BytesIO

import pytest
from django.core import mail
from django.test import Client, override_settings
from rest_framework.test import APIClient

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import ApiToken, AuditEvent, Door, Organization
from flexplatform.accounts.scoping import organization_scope
from flexplatform.accounts.services import revoke_token
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from tests.api.conftest import caller
from tests.conftest import People
from tests.factories import BatteryFactory, SiteFactory, SiteTariffFactory, TariffFactory


class Unread(BytesIO):
    """A body that must not be read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("The body was read.")


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "form"), [("/login/", "text/plain"), ("/api/v1/sites/", "application/problem+json")])
def test_a_stranger_cannot_fill_the_disk(path: str, form: str) -> None:
    client = Client()
    with override_settings(LARGEST_BODY=1000):
        answer = client.generic(
            "POST",
            path,
            content_type="multipart/form-data; boundary=x",
            **{"wsgi.input": Unread(), "CONTENT_LENGTH": "1001"},
        )
    assert (answer.status_code, answer["Content-Type"]) == (413, form)
    assert "1001" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("size", ["", "x", "-5", "0"])
def test_a_body_that_hides_its_size_is_empty(size: str) -> None:
    answer = Client().generic("POST", "/login/", CONTENT_LENGTH=size)
    assert answer.status_code in (200, 403)


def tried(client: Client, password: str, **headers: str) -> int:
    return int(client.post("/login/", {"username": "alice@example.com", "password": password}, **headers).status_code)


@pytest.mark.parametrize("proxies", [0, 1])
def test_who_guesses_passwords_cannot_make_up_addresses(people: People, proxies: int) -> None:
    own = "198.51.100.7"
    with override_settings(PROXY_COUNT=proxies):
        codes = [
            tried(
                Client(),
                "wrong",
                HTTP_X_FORWARDED_FOR=f"203.0.113.{number}, {own}" if proxies else f"203.0.113.{number}",
            )
            for number in range(12)
        ]
    assert codes[0] == 200
    assert codes[-1] == 429


def test_a_name_with_line_breaks_adds_no_header_to_a_mail(people: People) -> None:
    Organization.objects.filter(pk=people.a.pk).update(name="A\r\nBcc: all@example.org")
    people.client("alice").post("/o/a/members/", {"email": "new@example.com", "role": "viewer"})
    (sent,) = mail.outbox
    assert sent.recipients() == ["new@example.com"]
    assert "Bcc" not in sent.message()


@pytest.fixture
def robot(people: People) -> APIClient:
    return caller(people.a, people.alice)


def revoke_all(people: People) -> None:
    with organization_scope(people.a), acting(people.alice, Door.PORTAL):
        for token in ApiToken.objects.select_related("organization"):
            revoke_token(token=token)


def test_a_revoked_token_gets_no_stored_answer(people: People, robot: APIClient) -> None:
    key = {"Idempotency-Key": "k"}
    first = robot.post("/api/v1/portfolios/", {"name": "North"}, format="json", headers=key)
    assert first.status_code == 201
    revoke_all(people)
    again = robot.post("/api/v1/portfolios/", {"name": "North"}, format="json", headers=key)
    assert again.status_code == 401
    assert b"North" not in again.content


def test_what_a_token_asked_for_before_is_done_in_its_name(people: People, robot: APIClient) -> None:
    site = SiteFactory(organization=people.a)
    BatteryFactory(site=site)
    SiteTariffFactory(site=site, tariff=TariffFactory(organization=people.a))
    body = {"site": site.pk, "day": "2026-11-22"}
    asked = robot.post("/api/v1/schedule-runs/", body, format="json", headers={"Idempotency-Key": "k"})
    assert asked.status_code == 202, asked.content
    revoke_all(people)
    assert execute(asked.json()["id"], worker="w", beat_every=0) == Job.Status.SUCCEEDED
    with organization_scope(people.a):
        ended = AuditEvent.objects.filter(action="job.end").get()
    assert ended.token is not None
    assert robot.get(f"/api/v1/jobs/{asked.json()['id']}/").status_code == 401


@pytest.mark.parametrize("key", ["k" * 201, "a\tb", "", " "])
def test_a_key_that_cannot_be_stored_is_refused(people: People, robot: APIClient, key: str) -> None:
    headers = {"Idempotency-Key": key}
    answer = robot.post("/api/v1/schedule-runs/", {"site": 1, "day": "2026-11-22"}, format="json", headers=headers)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.content.decode()


def test_the_answers_name_no_software_and_no_version(people: People) -> None:
    told = str({**people.client("alice").get("/o/a/").headers, **Client().get("/healthz").headers})
    assert not re.search(r"python|django|gunicorn|\d+\.\d+\.\d+", told, re.IGNORECASE)
