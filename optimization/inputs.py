"""Which prices and series a site is planned with, and where each of them came from; the one place that decides it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from django.utils import timezone

from assets.models import Asset, Site
from assets.tariffs import SitePrices
from forecasting.queries import Forecast, Key, forecasts_of
from optimization.caution import CAUTION, Caution
from optimization.engine.devices import KINDS as ENGINE_KINDS
from optimization.engine.horizon import Horizon
from optimization.engine.series import Series
from optimization.models import ScheduleRun
from optimization.problems import LoadedSites, SiteInputs, load_sites
from optimization.queries import inputs_of, inputs_of_runs, newest_alike
from optimization.scenarios import SCENARIOS, named_scenario
from telemetry.quantities import QUANTITIES

PRICES = "prices"


class NoInputsError(LookupError):
    """A series that a device needs comes from nowhere."""


@dataclass(frozen=True)
class Way:
    """How a device's series comes from forecasts of a quantity: of the device, or of its site."""

    quantity: str
    convert: Callable[[Any, Series], Series]
    of_site: bool = False


def _as_it_is(_device: Any, values: Series) -> Series:
    return values


def _per_capacity(plant: Any, power_kw: Series) -> Series:
    """Return the yield; a plant never consumes, so powers above zero count as zero."""
    return np.maximum(-power_kw, 0) / plant.capacity_kw if plant.capacity_kw else np.zeros_like(power_kw)


def _consumed(_device: Any, power_kw: Series) -> Series:
    """Return the demand; a load never produces, so powers below zero count as zero."""
    return np.maximum(power_kw, 0)


# The ways to a series by its name in the engine, the best one first.
WAYS: Mapping[str, tuple[Way, ...]] = {
    "yield_kw_per_kw": (
        Way("yield_kw_per_kw", _as_it_is),
        Way("available_power_kw", _per_capacity),
        Way("power_kw", _per_capacity),
    ),
    "demand_kw": (Way("demand_kw", _as_it_is), Way("heat_kw", _consumed), Way("power_kw", _consumed)),
    "ambient_temperature_c": (
        Way("ambient_temperature_c", _as_it_is),
        Way("ambient_temperature_c", _as_it_is, of_site=True),
    ),
}


@dataclass(frozen=True, eq=False)
class _Fallback:
    """Inputs that are no forecasts, and what they are."""

    inputs: SiteInputs
    source: Mapping[str, Any]


def site_inputs(
    site: Site, horizon: Horizon, known_at: datetime | None = None, options: Mapping[str, Any] | None = None
) -> SiteInputs:
    """Return the inputs of one site over a horizon, as `LoadedInputs.of`; as known at a time (None: now).

    Raises:
        NoInputsError: names the device and the series that comes from nowhere, and how to provide it.
        ProblemError: names the time that a tariff has no price for.
    """
    return load_inputs([site], load_sites([site], horizon, known_at=known_at), known_at, options).of(site)


def inputs_after(run: ScheduleRun, known_at: datetime) -> SiteInputs:
    """Return the inputs of a run's site over its horizon as known now; what no forecast or tariff says is the run's.

    Raises:
        ProblemError: names the time that a tariff has no price for.
    """
    site = run.site
    own = _Fallback(inputs_of(run), {"source": "run", "run": run.pk, "start": run.start.isoformat()})
    forecasts = forecasts_of([site], run.horizon, known_at)
    return LoadedInputs(load_sites([site], run.horizon, known_at=known_at), known_at, forecasts, {site.pk: own}).of(
        site
    )


@dataclass(frozen=True, eq=False)
class LoadedInputs:
    """What many sites can be planned with, in memory."""

    sites: LoadedSites
    known_at: datetime
    forecasts: Mapping[int, Mapping[Key, Forecast]]
    others: Mapping[int, _Fallback]
    options: Mapping[str, Any] = field(default_factory=dict)

    def of(self, site: Site) -> SiteInputs:
        """Return the inputs of one of the sites, with the source of each in `sources`.

        Prices are those of its tariffs, where it has tariffs. The series of its devices come from the newest forecasts
        as known then. A series without a forecast for every step, and prices without tariffs, come from the newest run
        of this horizon; else from the sample day of the scenario that the site was made from; else from the newest run
        of another day with the same steps.

        Raises:
            NoInputsError: names the device and the series that comes from nowhere, and how to provide it.
            ProblemError: names the time that a tariff has no price for.
        """
        forecasts, other = self.forecasts[site.pk], self.others.get(site.pk)
        devices: dict[str, dict[str, Series]] = {}
        sources: dict[str, Any] = {}
        caution = Caution(self.sites.horizon, self.options)
        for row in self.sites.devices[site.pk]:
            for name in needed_series(row):
                values, sources[f"{row.name}.{name}"] = _series(site, row, name, forecasts, other, caution)
                devices.setdefault(row.name, {})[name] = values
        for row, reserve, told in caution.reserves(self.sites.devices[site.pk]):
            devices.setdefault(row.name, {})["reserve_kwh"] = reserve
            sources[f"{row.name}.reserve_kwh"] = told
        inputs = replace(other.inputs if other else SiteInputs(), devices=devices)
        priced = self.sites.with_tariffs(site, inputs)
        sources[PRICES] = _price_origin(other, self.sites.tariffs(site), by_tariffs=priced is not inputs)
        return replace(priced, sources={"known_at": self.known_at.isoformat(), **sources})


def load_inputs(
    sites: Iterable[Site],
    loaded: LoadedSites,
    known_at: datetime | None = None,
    options: Mapping[str, Any] | None = None,
) -> LoadedInputs:
    """Return what loaded sites can be planned with, as known at a time (None: now) and as careful as `options` say.

    Four queries, whatever the number of sites.
    """
    rows, moment = list(sites), known_at or timezone.now()
    asked = options or {}
    forecasts = forecasts_of(rows, loaded.horizon, moment, quantiles=not CAUTION.keys().isdisjoint(asked))
    return LoadedInputs(loaded, moment, forecasts, _fallbacks(rows, loaded.horizon), asked)


def needed_series(row: Asset) -> Iterator[str]:
    """Yield the series that the engine needs for a device beyond its row."""
    for item in fields(ENGINE_KINDS[row.kind]):
        if item.name in WAYS and item.default is MISSING and not hasattr(row, item.name):
            yield item.name


def _series(
    site: Site,
    row: Asset,
    name: str,
    forecasts: Mapping[Key, Forecast],
    other: _Fallback | None,
    caution: "Caution",
) -> tuple[Any, dict[str, Any]]:
    for way in WAYS[name]:
        found = forecasts.get((None if way.of_site else row.pk, way.quantity))
        if found is not None and found.complete:
            values, told = caution.planned(row, way.quantity, found, partial(way.convert, row))
            return values, _origin(way, found) | told
    given = other.inputs.devices.get(row.name, {}) if other else {}
    if other is None or name not in given:
        raise NoInputsError(_missing(site, row, name))
    return given[name], dict(other.source)


def _origin(way: Way, found: Forecast) -> dict[str, Any]:
    return {
        "source": "forecast",
        "quantity": f"site.{way.quantity}" if way.of_site else way.quantity,
        "forecasts": list(found.runs),
        "issued_at": found.issued_at.isoformat(),
        "by": found.source,
    }


def _price_origin(other: _Fallback | None, paid: SitePrices, *, by_tariffs: bool) -> dict[str, Any]:
    given = dict(other.source) if other else {}
    if not by_tariffs:
        return given
    found: dict[str, Any] = {"source": "tariffs"}
    if paid.expected:
        found["expected"] = [dict(each) for each in paid.expected]
    return {**found, **({"without_tariff": given} if given else {})}


def _missing(site: Site, row: Asset, name: str) -> str:
    ways = [each for each in WAYS[name] if QUANTITIES[each.quantity].fits(None if each.of_site else row.kind)]
    columns = " or ".join(f"{'site' if each.of_site else row.name}.{each.quantity}" for each in ways)
    return (
        f"{row.name}.{name} of {site} is not known for every step. "
        f"Import a forecast of {columns} on the site's page Forecasts, or send it to /api/v1/forecasts/."
    )


def _fallbacks(sites: Iterable[Site], horizon: Horizon) -> dict[int, _Fallback]:
    rows = {site.pk: site for site in sites}
    of_horizon, of_any_day = newest_alike(rows, horizon)
    runs: dict[int, int] = {}
    found: dict[int, _Fallback] = {}
    for pk, site in rows.items():
        if pk in of_horizon:
            runs[pk] = of_horizon[pk]
        elif site.external_id in SCENARIOS:
            source = {"source": "sample", "scenario": site.external_id}
            found[pk] = _Fallback(sample_inputs(site, horizon), source)
        elif pk in of_any_day:
            runs[pk] = of_any_day[pk]
    inputs = inputs_of_runs(runs.values())
    for pk, run_id in runs.items():
        run, given = inputs[run_id]
        found[pk] = _Fallback(given, {"source": "run", "run": run.pk, "start": run.start.isoformat()})
    return found


def sample_inputs(site: Site, horizon: Horizon) -> SiteInputs:
    """Return the shipped sample day of the scenario that the site was made from."""
    scenario = named_scenario(site.external_id)
    return SiteInputs.of(scenario.problem(scenario.sample_series(horizon, site.zone), horizon, site.zone))
