"""Why a stored plan does what it does, and what was measured beside it, through the portal and the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from assets.models import Battery, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from optimization.engine import Horizon, Prices
from optimization.engine.reasons import Reason, Why
from optimization.models import ScheduleRun
from optimization.problems import SiteInputs
from optimization.reason_words import WORDS, in_words
from optimization.services import schedule_site
from telemetry.batches import ReadingBatch
from telemetry.measured import means_of_site
from telemetry.models import Channel
from telemetry.models.moments import microseconds
from telemetry.services import store_readings
from tests.api.conftest import caller
from tests.conftest import People
from tests.factories import BatteryFactory, ElectricLoadFactory, SiteFactory

HORIZON = Horizon(datetime(2026, 11, 21, 23, tzinfo=UTC), timedelta(minutes=15), 8)
INPUTS = SiteInputs(
    prices=Prices(import_eur_per_kwh=[0.1] * 4 + [0.5] * 4), devices={"load": {"demand_kw": np.ones(8)}}
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def run(people: People) -> ScheduleRun:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        site: Site = SiteFactory(organization=people.a, slug="home")
        BatteryFactory(site=site, capacity_kwh=0.5, initial_soc_percent=10, final_soc_percent=None)
        ElectricLoadFactory(site=site)
        return schedule_site(site=site, horizon=HORIZON, series=INPUTS)


@pytest.fixture
def client_of_a(people: People) -> APIClient:
    return caller(people.a, people.alice)


def page(client: Client, run: ScheduleRun) -> dict[str, Any]:
    found: dict[str, Any] = client.get(reverse("schedule_reasons", args=["a", run.pk])).json()
    return found


def test_the_portal_tells_each_device_and_step(people: People, run: ScheduleRun) -> None:
    found = page(people.client("alice"), run)
    assert (found["zone"], found["step_seconds"], len(found["steps"])) == ("Europe/Berlin", 900, 8)
    cheap, dear = found["steps"][0], found["steps"][4]
    assert [line["label"] for line in cheap] == [run.site.name, "Battery"]
    assert cheap[0]["text"] == "imports; one more kWh would cost 10.0 ct"
    assert dear[1]["kind"] == "battery"
    assert dear[1]["text"].startswith("discharges: a kWh saves 50.0 ct now")


def test_words_follow_the_language_of_the_reader() -> None:
    for why in Why:
        words = in_words(Reason(why, 0.21, below=0.1, above=0.3))
        assert "{" not in words
        assert words
    assert set(WORDS) == set(Why)
    assert in_words(Reason(Why.WAITS, 0.21, below=0.1)) == "waits: a kWh costs 21.0 ct now; charging pays below 10.0 ct"


def test_a_plan_of_other_devices_is_not_explained(people: People, run: ScheduleRun, client_of_a: Client) -> None:
    with organization_scope(people.a):
        Battery.objects.filter(site=run.site).update(name="another")
    assert page(people.client("alice"), run)["steps"] == []
    assert client_of_a.get(f"/api/v1/schedule-runs/{run.pk}/reasons/").json()["explained"] is False


def test_the_api_answers_worths_and_reasons(run: ScheduleRun, client_of_a: Client) -> None:
    body = client_of_a.get(f"/api/v1/schedule-runs/{run.pk}/reasons/").json()
    assert body["explained"] is True
    assert body["electricity_eur_per_kwh"] == pytest.approx([0.1] * 4 + [0.5] * 4)
    assert body["heat_eur_per_kwh"] == [None] * 8
    assert set(body["stored_eur_per_kwh"]) == {"battery"}
    assert body["devices"]["battery"][4]["why"] == "discharges"
    assert body["devices"]["load"] == [None] * 8


def test_a_missed_wish_does_not_prevent_an_explanation(people: People) -> None:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        site: Site = SiteFactory(organization=people.a)
        BatteryFactory(site=site, initial_soc_percent=0, min_soc_percent=40)
        ElectricLoadFactory(site=site)
        run = schedule_site(site=site, horizon=HORIZON, series=INPUTS)
    assert run.unmet
    first = page(people.client("alice"), run)["steps"][0]
    assert any(line["text"].startswith("misses a wish") and line["kind"] == "battery" for line in first)


def test_what_was_measured_stands_beside_the_plan(people: People, run: ScheduleRun) -> None:
    moments = [HORIZON.start + timedelta(minutes=minute) for minute in range(60)]
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        channel = Channel.objects.create(
            organization=people.a, site=run.site, quantity="grid_power_kw", unit="kW", sign="consumption"
        )
        times = [microseconds(moment) for moment in moments]
        values = [2.0 + moment.minute // 30 for moment in moments]
        store_readings(batch=ReadingBatch.of([channel.pk] * len(times), times, values, times))
        measured = means_of_site(run.site, HORIZON.start, 900, 8)
        hours = means_of_site(run.site, HORIZON.start, 3600, 2)
        fine = means_of_site(run.site, HORIZON.start, 300, 24)
    np.testing.assert_allclose(measured[""]["grid_power_kw"], [2, 2, 3, 3, *[np.nan] * 4])
    np.testing.assert_allclose(hours[""]["grid_power_kw"], [2.5, np.nan])
    np.testing.assert_allclose(fine[""]["grid_power_kw"][:9], [2] * 6 + [3] * 3)
    charts = people.client("alice").get(reverse("schedule_charts", args=["a", run.pk])).json()["charts"]
    power = {line["label"]: line["values"] for line in charts[0]["series"]}
    assert power["Grid, measured"] == [2, 2, 3, 3, None, None, None, None]
