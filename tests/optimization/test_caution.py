"""Plans on a quantile, and with a reserve for what may come otherwise than forecast."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from assets.models import Battery, Site
from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from flexplatform.accounts.scoping import organization_scope
from forecasting.services import receive_forecast
from optimization.engine import ProblemError, solve
from optimization.engine.horizon import Horizon
from optimization.engine.problem import Prices
from optimization.engine.uncertainty import LEVELS, Uncertain, reserve_kwh, scenario_errors
from optimization.inputs import site_inputs
from optimization.options import checked
from optimization.problems import SiteInputs, build_problem
from tests.conftest import People
from tests.factories import planned_site
from tests.forecasting.makers import ISSUED, delivery

DAY = date(2026, 11, 21)


@pytest.fixture
def site(people: People) -> Iterator[Site]:
    """A site whose load is forecast as 2 kW, give or take 1 kW."""
    found, _ = planned_site(people.a)
    with organization_scope(people.a), acting("tests", Door.COMMAND):
        horizon = Horizon.market_day(DAY, found.zone)
        told = delivery(
            found,
            issued_at=ISSUED,
            start=horizon.start,
            values=np.full(horizon.count, 2.0),
            quantiles={level: np.full(horizon.count, 1.5 + level) for level in LEVELS},
        )
        receive_forecast(organization=people.a, delivery=told)
        yield found


def priced(inputs: SiteInputs) -> SiteInputs:
    """Return the inputs with a price for electricity."""
    return replace(inputs, prices=Prices(import_eur_per_kwh=0.3, export_eur_per_kwh=0.1))


def test_a_quantile_is_planned_with_and_recorded(site: Site) -> None:
    horizon = Horizon.market_day(DAY, site.zone)
    mean, careful = (site_inputs(site, horizon, options=options) for options in ({}, {"forecast_quantile": 0.75}))
    assert np.asarray(mean.devices["load"]["demand_kw"])[0] == 2.0
    assert np.asarray(careful.devices["load"]["demand_kw"])[0] == pytest.approx(2.25)
    assert careful.sources["load.demand_kw"]["quantile"] == 0.75
    assert "quantile" not in mean.sources["load.demand_kw"]
    costs = [solve(build_problem(site, horizon, priced(each))).cost.total_eur for each in (mean, careful)]
    assert costs[1] > costs[0]


def test_the_reserve_of_a_battery_is_kept(site: Site) -> None:
    Battery.objects.filter(site=site).delete()
    Battery.objects.create(
        site=site, name="store", capacity_kwh=20, charge_power_kw=10, discharge_power_kw=10, final_soc_percent=None
    )
    horizon = Horizon.market_day(DAY, site.zone)
    inputs = site_inputs(site, horizon, options={"reserve_share": 0.9})
    problem = build_problem(site, horizon, priced(inputs))
    reserve = np.asarray(inputs.devices["store"]["reserve_kwh"])
    assert inputs.sources["store.reserve_kwh"]["share"] == 0.9
    assert reserve[-1] > reserve[0] > 0
    energy = solve(problem).devices["store"]["energy_kwh"]
    wanted = np.minimum(2.0 + reserve, 18.0)
    assert (energy >= wanted - 1e-4).all()


def test_the_reserve_suffices_in_the_share_of_scenarios() -> None:
    horizon = Horizon.market_day(DAY, Site(time_zone="Europe/Berlin").zone)
    bands = np.stack([np.full(horizon.count, level) for level in LEVELS])
    errors = scenario_errors([Uncertain(np.full(horizon.count, 0.5), bands)], horizon)
    found = reserve_kwh(errors, horizon, 0.9, charge_efficiency=1.0, discharge_efficiency=1.0)
    drawn = np.cumsum(errors, axis=1) * horizon.step_hours
    suffices = (drawn <= found + 1e-9).all(axis=1).mean()
    assert 0.9 <= suffices < 0.95
    nothing = scenario_errors([Uncertain(np.full(horizon.count, 0.5), np.full((9, horizon.count), 0.5))], horizon)
    assert not reserve_kwh(nothing, horizon, 0.9, charge_efficiency=1.0, discharge_efficiency=1.0).any()


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [("forecast_quantile", 0.95, "0.1 to 0.9"), ("reserve_share", "much", "0.5 to 0.99"), ("reserve_share", True, "")],
)
def test_options_that_cannot_be_are_named(name: str, value: object, allowed: str) -> None:
    with pytest.raises(ProblemError, match=f"options.{name}.*{allowed}"):
        checked({name: value}, "milp")
