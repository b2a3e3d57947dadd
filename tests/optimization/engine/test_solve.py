"""What the solver promises: limits, prices at the meter, peaks, CO2, time limits, reproducibility."""

import numpy as np
import pytest

from optimization.engine import (
    Emissions,
    GridConnection,
    Horizon,
    Objective,
    Prices,
    ProblemError,
    SiteProblem,
    baseline,
    solve,
)
from optimization.engine.devices import Battery, Chp, ElectricLoad, HeatLoad, HeatPump, HeatStorage, Photovoltaic
from optimization.engine.highs import Answer, Program
from optimization.engine.horizon import QUARTER_HOUR
from optimization.engine.linear_first import First, LinearFirst
from tests.optimization.engine.sites import START, at, site


def battery(**changes: float | None) -> Battery:
    given = {"capacity_kwh": 8.0, "charge_power_kw": 4.0, "discharge_power_kw": 4.0, "final_soc_percent": None}
    return Battery(name="b", **{**given, **changes})


def test_no_arbitrage_at_one_meter() -> None:
    plan = solve(site(battery(), ElectricLoad(name="l", demand_kw=1), buy=0.05, sell=0.11))
    assert plan.cost.total_eur > -8 * 0.11
    for step, power in enumerate(plan.grid_power_kw):
        assert plan.devices["b"]["power_kw"][step] + 1 == pytest.approx(power)


def test_site_limits_are_kept_where_possible_and_reported_where_not() -> None:
    limited = GridConnection(import_limit_kw=5, export_limit_kw=1)
    load = ElectricLoad(name="l", demand_kw=[0, 8, 11, 0])
    plan = solve(site(load, battery(capacity_kwh=12.0, min_soc_percent=0), connection=limited))
    assert plan.grid_power_kw[1] <= 5 + 1e-6
    assert [(u.device, u.wish, u.start) for u in plan.unmet] == [("site", "import limit", at(2))]
    assert plan.unmet[0].amount == pytest.approx(plan.grid_power_kw[2] - 5)
    sun = Photovoltaic(name="p", capacity_kw=4, yield_kw_per_kw=1, curtailable=False)
    plan = solve(site(sun, connection=limited))
    assert [(u.wish, u.amount) for u in plan.unmet] == [("export limit", pytest.approx(3))] * 4


def test_penalties_are_never_part_of_the_cost() -> None:
    plan = solve(site(ElectricLoad(name="l", demand_kw=10), connection=GridConnection(import_limit_kw=1)))
    assert plan.cost.total_eur == pytest.approx(4 * 10 * 0.3)
    assert plan.bound_eur == pytest.approx(plan.cost.total_eur)
    assert plan.gap == 0


def test_peak_price_counts_only_above_the_peak_so_far() -> None:
    load = ElectricLoad(name="l", demand_kw=[1, 5, 1, 1])
    plan = solve(site(load, battery(), buy=0.3, peak_eur_per_kw=10, peak_so_far_kw=2))
    assert plan.grid_power_kw.max() <= 2 + 1e-6
    assert plan.cost.peak_eur == 0
    assert solve(site(load, peak_eur_per_kw=10, peak_so_far_kw=2)).cost.peak_eur == pytest.approx(30)


def test_co2_weight_moves_imports_to_clean_hours() -> None:
    def imports(co2_eur_per_kg: float) -> list[float]:
        problem = SiteProblem(
            horizon=Horizon(START, QUARTER_HOUR * 4, 2),
            devices=(battery(min_soc_percent=0, initial_soc_percent=0, charge_efficiency=1.0, discharge_efficiency=1.0),
                     ElectricLoad(name="l", demand_kw=2)),
            prices=Prices(import_eur_per_kwh=[0.3, 0.2]),
            emissions=Emissions(import_kg_per_kwh=[0.1, 0.5]),
            objective=Objective(co2_eur_per_kg=co2_eur_per_kg),
        )  # fmt: skip
        plan = solve(problem)
        assert plan.objective_eur == pytest.approx(plan.cost.total_eur + co2_eur_per_kg * plan.cost.co2_kg)
        return plan.grid_power_kw.tolist()

    assert imports(0.0) == pytest.approx([2, 2])
    assert imports(1.0) == pytest.approx([4, 0])


@pytest.fixture(scope="module")
def hard_site() -> SiteProblem:
    steps, noise = np.arange(96), np.random.default_rng(7)
    return SiteProblem(
        horizon=Horizon(START, QUARTER_HOUR, 96),
        devices=(
            ElectricLoad(name="l", demand_kw=1 + noise.random(96)),
            HeatLoad(name="h", demand_kw=2 + 4 * noise.random(96)),
            *(HeatPump(name=f"hp{i}", rated_power_kw=1 + 0.3 * i, ambient_temperature_c=3) for i in range(4)),
            *(Chp(name=f"chp{i}", electric_power_kw=0.7 + 0.2 * i) for i in range(4)),
            HeatStorage(name="s", capacity_kwh=15),
        ),
        prices=Prices(
            import_eur_per_kwh=0.28 + 0.03 * np.sin(steps / 9) + 0.01 * noise.random(96),
            export_eur_per_kwh=0.11,
            gas_eur_per_kwh=0.09 + 0.02 * noise.random(96),
        ),
    )


def test_time_limit_is_said_with_incumbent_bound_and_gap(hard_site: SiteProblem) -> None:
    plan = solve(hard_site, gap=0.0, time_limit=1.5)
    assert plan.status == "time_limit"
    assert plan.bound_eur < plan.objective_eur
    assert plan.gap == pytest.approx((plan.objective_eur - plan.bound_eur) / plan.objective_eur)


def test_no_time_at_all_still_gives_a_verified_plan(hard_site: SiteProblem, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Answer(values=None, bound=1.5, timed_out=True, status="Time limit reached")
    monkeypatch.setattr(LinearFirst, "solve", lambda _: First())
    monkeypatch.setattr(Program, "solve", lambda *_, **__: nothing)
    plan, idle = solve(hard_site), baseline(hard_site)
    assert (plan.solver, plan.status) == ("uncontrolled", "time_limit")
    assert plan.cost == idle.cost
    assert 1.5 < plan.bound_eur < idle.objective_eur, "the linear relaxation bounds better than the tree that ended"
    assert plan.gap == pytest.approx(1 - plan.bound_eur / idle.objective_eur)


def test_progress_tells_phases(hard_site: SiteProblem) -> None:
    told: list[tuple[str, float | None]] = []
    solve(hard_site, gap=0.0, time_limit=1.5, progress=lambda phase, gap: told.append((phase, gap)))
    assert told[:2] == [("build", None), ("solve", None)]
    assert any(gap is not None for _, gap in told)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "magic"}, "solver is magic; allowed: milp, ga, pso"),
        ({"gap": -1.0}, "gap is -1.0; allowed: at least 0"),
        ({"gap": "x"}, "gap is 'x'; allowed: at least 0"),
        ({"time_limit": 0.0}, "time_limit is 0.0; allowed: more than 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemError) as error:
        solve(site(battery()), **options)
    assert str(error.value) == message
