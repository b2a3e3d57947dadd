"""A site is planned with its newest forecasts; every series says where it came from."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import time_machine

from assets.models import Asset, HeatPump, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from flexplatform.jobs.models import Job
from flexplatform.jobs.work import execute
from forecasting.models import ForecastRun
from forecasting.services import Delivery, receive_forecast
from optimization.engine import Horizon, Prices
from optimization.inputs import NoInputsError, site_inputs
from optimization.models import ScheduleRun
from optimization.problems import SiteInputs
from optimization.services import schedule_site
from telemetry.services import Reference
from tests.api.conftest import caller
from tests.conftest import People
from tests.factories import ElectricLoadFactory, PhotovoltaicFactory, SiteFactory, SiteTariffFactory

HORIZON = Horizon(datetime(2026, 11, 20, 23, tzinfo=UTC), timedelta(minutes=15), 8)
ISSUED = datetime(2026, 11, 20, 9, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("in_a")


@pytest.fixture
def in_a(people: People) -> Iterator[None]:
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        yield


@pytest.fixture
def site(people: People) -> Site:
    row: Site = SiteFactory(organization=people.a, name="Home")
    ElectricLoadFactory(site=row)
    SiteTariffFactory(site=row)
    return row


def forecast(site: Site, asset: str | None, quantity: str, values: Any, hours: float = 0) -> ForecastRun:
    return receive_forecast(
        organization=site.organization,
        delivery=Delivery(
            channel=Reference(site=site.pk, asset=asset, quantity=quantity),
            issued_at=ISSUED + timedelta(hours=hours),
            start=HORIZON.start,
            step=timedelta(hours=1),
            values=values,
            source="meteo",
        ),
    )


def test_a_site_that_was_never_planned_is_planned_with_its_own_forecasts(site: Site) -> None:
    run = forecast(site, "load", "demand_kw", [1, 2])
    inputs = site_inputs(site, HORIZON)
    plan = ScheduleRun.objects.get(pk=schedule_site(site=site, horizon=HORIZON, series=inputs).pk)
    assert float(plan.total_cost_eur) == pytest.approx(3 * 0.30)
    assert plan.input_sources["prices"] == {"source": "tariffs"}
    assert plan.input_sources["load.demand_kw"] == {
        "source": "forecast",
        "quantity": "demand_kw",
        "forecasts": [run.pk],
        "issued_at": ISSUED.isoformat(),
        "by": "meteo",
    }
    assert datetime.fromisoformat(plan.input_sources["known_at"]) <= plan.created_at


def test_a_member_plans_the_first_day_of_a_new_site_in_the_portal(people: People, site: Site) -> None:
    forecast(site, "load", "demand_kw", np.ones(24))
    client, url = people.client("alice"), f"/o/a/sites/{site.slug}/"
    html = client.get(url, {"day": "2026-11-21"}).content.decode()
    assert "Plan Saturday, 21 November 2026" in html
    assert "Plan this day again" not in html
    assert b"Plan Saturday" not in people.client("bob").get(url, {"day": "2026-11-21"}).content
    asked = {"day": "2026-11-21", "key": "k"}
    assert client.post(f"{url}plan/", asked).status_code == 302
    execute(Job.objects.get().pk, worker="w", beat_every=0)
    plan = ScheduleRun.objects.get()
    assert float(plan.total_cost_eur) == pytest.approx(24 * 0.30)
    answer = caller(people.a, people.alice).get(f"/api/v1/schedule-runs/{plan.pk}/").json()
    assert answer["input_sources"]["load.demand_kw"]["by"] == "meteo"


@pytest.mark.parametrize("wanted", ["", "soon"])
def test_the_coming_day_is_offered_where_none_is_asked_for(people: People, site: Site, wanted: str) -> None:
    with time_machine.travel(datetime(2026, 11, 20, 23, 30, tzinfo=UTC)):
        html = people.client("alice").get(f"/o/a/sites/{site.slug}/", {"day": wanted}).content.decode()
    assert "Plan Sunday, 22 November 2026" in html


def test_the_newest_forecast_counts_and_an_older_plan_can_be_made_again(site: Site) -> None:
    first, second = forecast(site, "load", "demand_kw", [1, 1]), forecast(site, "load", "demand_kw", [2, 2], 1)
    now, then = site_inputs(site, HORIZON), site_inputs(site, HORIZON, ISSUED)
    assert (now.devices["load"]["demand_kw"][0], then.devices["load"]["demand_kw"][0]) == (2, 1)  # type: ignore[index]
    assert now.sources["load.demand_kw"]["forecasts"] == [second.pk]
    assert then.sources["load.demand_kw"]["forecasts"] == [first.pk]


@pytest.mark.parametrize(
    ("quantity", "values"),
    [("yield_kw_per_kw", [0, 0.5]), ("available_power_kw", [0, -1.5]), ("power_kw", [0.1, -1.5])],
)
def test_a_plants_yield_comes_from_power_too(site: Site, quantity: str, values: list[float]) -> None:
    PhotovoltaicFactory(site=site, capacity_kw=3)
    forecast(site, "load", "power_kw", [-0.1, 1])
    forecast(site, "pv", quantity, values)
    devices = site_inputs(site, HORIZON).devices
    np.testing.assert_allclose(devices["pv"]["yield_kw_per_kw"], [0] * 4 + [0.5] * 4)
    np.testing.assert_allclose(devices["load"]["demand_kw"], [0] * 4 + [1] * 4)


def test_a_plant_without_capacity_yields_nothing(site: Site) -> None:
    PhotovoltaicFactory(site=site, capacity_kw=0)
    forecast(site, "load", "demand_kw", [1, 1])
    forecast(site, "pv", "power_kw", [0, -1])
    np.testing.assert_array_equal(site_inputs(site, HORIZON).devices["pv"]["yield_kw_per_kw"], np.zeros(8))


def test_the_air_at_the_site_serves_every_heat_pump_without_its_own(site: Site) -> None:
    HeatPump.objects.create(site=site, name="hp1", rated_power_kw=2)
    HeatPump.objects.create(site=site, name="hp2", rated_power_kw=2)
    forecast(site, "load", "demand_kw", [1, 1])
    forecast(site, None, "ambient_temperature_c", [5, 6])
    forecast(site, "hp2", "ambient_temperature_c", [-5, -6])
    inputs = site_inputs(site, HORIZON)
    assert inputs.devices["hp1"]["ambient_temperature_c"][0] == 5  # type: ignore[index]
    assert inputs.devices["hp2"]["ambient_temperature_c"][0] == -5  # type: ignore[index]
    assert inputs.sources["hp1.ambient_temperature_c"]["quantity"] == "site.ambient_temperature_c"


def test_a_series_without_forecast_comes_from_an_earlier_run_and_says_so(site: Site) -> None:
    before = Horizon(HORIZON.start - timedelta(days=1), HORIZON.step, HORIZON.count)
    given = SiteInputs(prices=Prices(import_eur_per_kwh=0.5), devices={"load": {"demand_kw": np.full(8, 3.0)}})
    earlier = schedule_site(site=site, horizon=before, series=given)
    inputs = site_inputs(site, HORIZON)
    np.testing.assert_array_equal(inputs.devices["load"]["demand_kw"], np.full(8, 3.0))
    origin = {"source": "run", "run": earlier.pk, "start": before.start.isoformat()}
    assert inputs.sources["load.demand_kw"] == origin
    assert inputs.sources["prices"] == {"source": "tariffs", "without_tariff": origin}


@pytest.mark.parametrize("values", [None, [1]])
def test_a_series_that_comes_from_nowhere_is_named_with_the_remedy(site: Site, values: list[float] | None) -> None:
    if values is not None:
        forecast(site, "load", "demand_kw", values)
    with pytest.raises(NoInputsError) as caught:
        site_inputs(site, HORIZON)
    assert str(caught.value) == (
        "load.demand_kw of Home is not known for every step. Import a forecast of load.demand_kw or load.power_kw "
        "on the site's page Forecasts, or send it to /api/v1/forecasts/."
    )


def test_a_device_that_came_later_is_not_overlooked(site: Site) -> None:
    forecast(site, "load", "demand_kw", [1, 1])
    schedule_site(site=site, horizon=HORIZON, series=site_inputs(site, HORIZON))
    PhotovoltaicFactory(site=site)
    with pytest.raises(NoInputsError, match=r"pv\.yield_kw_per_kw"):
        site_inputs(site, HORIZON)


def test_forecasts_of_others_are_not_used(people: People, site: Site) -> None:
    with organization_scope(people.b):
        other = SiteFactory(organization=people.b)
        ElectricLoadFactory(site=other)
        forecast(other, "load", "demand_kw", [1, 1])
    with pytest.raises(NoInputsError):
        site_inputs(site, HORIZON)
    assert Asset.objects.filter(site=other).count() == 0
