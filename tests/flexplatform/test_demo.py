from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assets.models import Asset, EvStay, Portfolio, Site
from flexmarket.models import FlexibilityOffers
from flexplatform import demo
from flexplatform.accounts.models import Membership, Organization, User
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.work import execute_next
from flexplatform.registry import DemoProblem
from forecasting.models import ForecastRun
from optimization import demo as optimization_demo
from optimization.models import PortfolioRun, ScheduleRun, ScheduleSeries

DAY = date(2026, 11, 22)
DAYS = optimization_demo.DAYS_OF_HISTORY + 2
TABLES = (Portfolio, Site, Asset, EvStay, PortfolioRun, ScheduleRun, ScheduleSeries, FlexibilityOffers)


def counts(organization: Organization) -> dict[str, int]:
    with organization_scope(organization):
        return {model.__name__: model.objects.count() for model in TABLES}


def test_the_coming_day_is_the_local_one() -> None:
    assert demo.coming_day(datetime(2026, 11, 21, 22, 59, tzinfo=UTC)) == date(2026, 11, 22)
    assert demo.coming_day(datetime(2026, 11, 21, 23, 1, tzinfo=UTC)) == date(2026, 11, 23)


def work_on_everything() -> None:
    while execute_next("a worker"):
        pass


@pytest.mark.django_db
def test_the_demo_is_made_once_and_workers_plan_its_days() -> None:
    organization = demo.make_organization()
    assert demo.make_demo(organization, day=DAY, only=("simple_house", "ev")) == []
    assert counts(organization)["ScheduleRun"] == 0
    assert demo.make_demo(organization, day=DAY, only=("simple_house", "ev")) == []
    assert counts(organization)["PortfolioRun"] == DAYS
    work_on_everything()
    first = counts(organization)
    assert first["Site"] == 2
    assert first["ScheduleRun"] == 2 * DAYS
    assert first["EvStay"] == 2
    assert first["FlexibilityOffers"] == 3 * DAYS

    user = User.objects.get(email=demo.EMAIL)
    user.set_password("changed by its owner")
    user.save()
    again = demo.make_organization()
    assert demo.make_demo(again, day=DAY, only=("simple_house", "ev")) == []
    work_on_everything()
    assert again == organization
    assert User.objects.get(email=demo.EMAIL).check_password("changed by its owner")
    assert counts(organization) == first
    assert (User.objects.count(), Organization.objects.count(), Membership.objects.count()) == (1, 1, 1)

    client = Client()
    client.force_login(user)
    page = client.get(reverse("site", args=["demo", "simple-house"]), {"day": f"{DAY}"})
    assert page.status_code == 200
    assert b"Download COMAX" in page.content


@pytest.mark.django_db
def test_every_day_has_its_own_weather_and_was_forecast_the_day_before() -> None:
    organization = demo.make_organization()
    assert demo.make_demo(organization, day=DAY, only=("pv",)) == []
    with organization_scope(organization):
        runs = list(ForecastRun.objects.filter(channel__quantity="available_power_kw").order_by("start"))
        energies = {round(float(run.series.mean.sum()), 6) for run in runs}
    assert len(energies) == len(runs) == DAYS
    assert all(run.issued_at <= min(run.start, timezone.now()) for run in runs if run.start < timezone.now())


@pytest.mark.django_db
def test_the_second_organization_has_people_and_sites_of_its_own() -> None:
    assert demo.make_all(day=DAY, only=("simple_house", "bat")) == []
    roles = set(Membership.objects.values_list("user__email", "organization__slug", "role"))
    assert roles == {
        ("demo@example.com", "demo", "owner"),
        ("demo@example.com", "harbour", "operator"),
        ("harbour@example.com", "harbour", "owner"),
    }
    harbour = Organization.objects.get(slug="harbour")
    with organization_scope(harbour):
        assert [site.name for site in Site.objects.all()] == ["Terraced house Wilhelmsburg"]
    assert not User.objects.get(email="harbour@example.com").is_superuser


@pytest.mark.django_db
def test_what_cannot_be_made_is_named_and_the_rest_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_arguments: object) -> None:
        raise RuntimeError("the sun does not shine")

    monkeypatch.setattr(optimization_demo, "request_portfolio_run", refuse)
    organization = demo.make_organization()
    problems = demo.make_demo(organization, day=DAY, only=("pv", "no_such_site"))
    assert problems[0] == DemoProblem("plans of 22 November", "the sun does not shine")
    assert len(problems) == DAYS
    assert counts(organization)["Site"] == 1
