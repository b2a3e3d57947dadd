from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse

from assets.models import Asset, EvStay, Portfolio, Site
from flexmarket.models import FlexibilityOffers
from flexplatform import demo
from flexplatform.accounts.models import Membership, Organization, User
from flexplatform.accounts.scoping import organization_scope
from flexplatform.registry import DemoProblem
from optimization import demo as optimization_demo
from optimization.models import ScheduleRun, ScheduleSeries

DAY = date(2026, 11, 22)
TABLES = (Portfolio, Site, Asset, EvStay, ScheduleRun, ScheduleSeries, FlexibilityOffers)


def counts(organization: Organization) -> dict[str, int]:
    with organization_scope(organization):
        return {model.__name__: model.objects.count() for model in TABLES}


def test_the_coming_day_is_the_local_one() -> None:
    assert demo.coming_day(datetime(2026, 11, 21, 22, 59, tzinfo=UTC)) == date(2026, 11, 22)
    assert demo.coming_day(datetime(2026, 11, 21, 23, 1, tzinfo=UTC)) == date(2026, 11, 23)


@pytest.mark.django_db
def test_the_demo_is_made_once() -> None:
    organization, user = demo.make_login()
    assert demo.make_demo(organization, day=DAY, only=("simple_house", "ev")) == []
    first = counts(organization)
    assert first["Site"] == first["ScheduleRun"] == 2
    assert first["EvStay"] == 2
    assert first["FlexibilityOffers"] == 3

    user.set_password("changed by its owner")
    user.save()
    again, same_user = demo.make_login()
    assert demo.make_demo(again, day=DAY, only=("simple_house", "ev")) == []
    assert (again, same_user) == (organization, user)
    assert same_user.check_password("changed by its owner")
    assert counts(organization) == first
    assert (User.objects.count(), Organization.objects.count(), Membership.objects.count()) == (1, 1, 1)

    client = Client()
    client.force_login(user)
    page = client.get(reverse("site", args=["demo", "simple-house"]))
    assert page.status_code == 200
    assert b"Download COMAX" in page.content
    with organization_scope(organization):
        run = ScheduleRun.objects.get(site__slug="simple-house")
    charts = client.get(reverse("schedule_charts", args=["demo", run.pk])).json()
    assert [chart["name"] for chart in charts["charts"]] == ["power", "heat", "contents", "prices"]


@pytest.mark.django_db
def test_a_site_that_fails_is_named_and_the_others_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_arguments: object) -> None:
        raise RuntimeError("the sun does not shine")

    monkeypatch.setattr(optimization_demo, "schedule_site", refuse)
    organization, _ = demo.make_login()
    problems = demo.make_demo(organization, day=DAY, only=("pv", "no_such_site"))
    assert problems == [DemoProblem("PV house Pasing", "the sun does not shine")]
    assert counts(organization)["Site"] == 1
