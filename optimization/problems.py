"""Between rows and the engine's dataclasses: equal names are copied, the extras of a kind are handled by functions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from math import inf, isinf
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from assets.engine.errors import TariffError
from assets.models import KINDS, Asset, EvStay, Site, Tariff
from assets.models import ElectricVehicle as ElectricVehicleRow
from assets.queries import devices_by_site
from assets.tariffs import SitePrices, prices_of_sites
from forecasting.price_queries import expected_prices
from optimization.engine.devices import KINDS as ENGINE_KINDS
from optimization.engine.devices import Device, ElectricVehicle, ShiftableLoad, Stay
from optimization.engine.devices.heat_pump_map import TYPICAL_AIR_WATER, HeatPumpMap
from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Horizon
from optimization.engine.problem import Emissions, GridConnection, Objective, Prices, SiteProblem
from optimization.engine.series import Series, SeriesLike

ONE_DAY = timedelta(days=1)
PRICE_FIELDS: dict[str, str] = {
    Tariff.Commodity.IMPORT: "import_eur_per_kwh",
    Tariff.Commodity.EXPORT: "export_eur_per_kwh",
    Tariff.Commodity.GAS: "gas_eur_per_kwh",
    Tariff.Commodity.FUEL: "fuel_eur_per_l",
}


@dataclass(frozen=True, kw_only=True)
class SiteInputs:
    """What a problem needs beyond the site's rows: emissions, the goal, each device's series by its name.

    Without `prices` the site's tariffs give them. `sources` says where each of them came from.
    """

    prices: Prices | None = None
    emissions: Emissions = field(default_factory=Emissions)
    objective: Objective = field(default_factory=Objective)
    devices: Mapping[str, Mapping[str, SeriesLike]] = field(default_factory=dict)
    sources: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: SiteProblem) -> "SiteInputs":
        """Return the inputs that a problem was made with."""
        devices = {device.name: device_series(device) for device in problem.devices}
        return cls(prices=problem.prices, emissions=problem.emissions, objective=problem.objective, devices=devices)


def device_series(device: Device) -> dict[str, Series]:
    """Return the series of a device that are no part of its row, by field name."""
    return {
        item.name: value
        for item in fields(device)
        if item.name not in device.own_length and isinstance(value := getattr(device, item.name), np.ndarray)
    }


def build_problem(site: Site, horizon: Horizon, series: SiteInputs) -> SiteProblem:
    """Return the engine's problem for one site.

    Raises:
        ProblemError: names the field that contradicts physics, or the series or tariff that is missing.
    """
    return load_sites([site], horizon, priced=series.prices is None).problem(site, series)


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedSites:
    """The rows of many sites in memory, from which problems are made without any further query.

    `without_price` holds the sites of which a time has no tariff or price, by id, and what they lack.
    """

    horizon: Horizon
    devices: Mapping[int, list[Asset]]
    prices: Mapping[int, SitePrices]
    without_price: Mapping[int, TariffError]

    def problem(self, site: Site, series: SiteInputs) -> SiteProblem:
        """Return the engine's problem for one of the sites; prices in `series` go before its tariffs.

        Raises:
            ProblemError: as `build_problem`.
        """
        tariffs = self.tariffs(site) if series.prices is None else SitePrices()
        return _problem(site, self.horizon, series, self.devices[site.pk], tariffs)

    def with_tariffs(self, site: Site, series: SiteInputs) -> SiteInputs:
        """Return inputs with the prices of the site's tariffs, where it has tariffs; the other prices stay.

        Raises:
            ProblemError: names the time that the site has no tariff or price for.
        """
        found = self.tariffs(site)
        if not found.per_step:
            return series
        if series.prices is None:
            return replace(series, prices=_prices(site, found))
        return replace(series, prices=replace(series.prices, **_price_fields(found)))

    def tariffs(self, site: Site) -> SitePrices:
        """Return what one of the sites pays by its tariffs.

        Raises:
            ProblemError: names the time that the site has no tariff or price for.
        """
        if error := self.without_price.get(site.pk):
            raise ProblemError(error.field, error.value, error.allowed) from error
        return self.prices.get(site.pk, SitePrices())


def load_sites(
    sites: Iterable[Site], horizon: Horizon, *, priced: bool = True, known_at: datetime | None = None
) -> LoadedSites:
    """Return the devices and tariff prices of sites; a fixed number of queries, one per table.

    `priced` is False where no tariffs are wanted; with `known_at`, spot prices as they were known then. Where none was
    received yet, the platform's own forecast of them stands in, for one query more.
    """
    rows = list(sites)
    lacking: dict[int, TariffError] = {}
    prices: dict[int, SitePrices] = {}
    if priced:
        prices = prices_of_sites(rows, horizon.times, horizon.step, known_at, errors=lacking, expecting=expected_prices)
    return LoadedSites(horizon=horizon, devices=devices_by_site(rows), prices=prices, without_price=lacking)


def _problem(
    site: Site, horizon: Horizon, series: SiteInputs, rows: Iterable[Asset], tariffs: SitePrices
) -> SiteProblem:
    return SiteProblem(
        horizon=horizon,
        devices=tuple(_device(row, site.zone, horizon, series.devices.get(row.name, {})) for row in rows),
        prices=_prices(site, tariffs) if series.prices is None else series.prices,
        emissions=series.emissions,
        objective=series.objective,
        connection=GridConnection(import_limit_kw=site.import_limit_kw, export_limit_kw=site.export_limit_kw),
        name=site.slug,
    )


def _prices(site: Site, tariffs: SitePrices) -> Prices:
    given = _price_fields(tariffs)
    if "import_eur_per_kwh" not in given:
        raise ProblemError(f"{site.slug}.tariffs", "without one for import", "a tariff for import, or given prices")
    return Prices(**given)


def _price_fields(tariffs: SitePrices) -> dict[str, Any]:
    found: dict[str, Any] = {PRICE_FIELDS[commodity]: series for commodity, series in tariffs.per_step.items()}
    if Tariff.Commodity.IMPORT in tariffs.per_step:
        found["peak_eur_per_kw"] = tariffs.capacity_price_per_kw
    return found


def save_devices(site: Site, devices: tuple[Device, ...]) -> list[Asset]:
    """Store the engine's devices as rows of `site`; their series are not stored."""
    rows = []
    for device in devices:
        columns = {item.name: getattr(device, item.name) for item in fields(device)}
        for name in device_series(device):
            del columns[name]
        # What a plan keeps back is no property of the battery.
        columns.pop("reserve_kwh", None)
        stays: tuple[Stay, ...] = columns.pop("stays", ())
        to_row = TO_ROW.get(device.kind)
        row = KINDS[device.kind](site=site, **{**columns, **(to_row(device, site.zone) if to_row else {})})
        if isinf(columns.get("initial_minutes", 0)):
            row.initial_minutes = None  # type: ignore[attr-defined]
        row.full_clean()
        row.save()
        if isinstance(row, ElectricVehicleRow):
            for stay in stays:
                EvStay.objects.create(vehicle=row, **_stay_columns(stay, site.zone))
        rows.append(row)
    return rows


def _device(row: Asset, zone: ZoneInfo, horizon: Horizon, series: Mapping[str, SeriesLike]) -> Device:
    kind = ENGINE_KINDS[row.kind]
    from_row = FROM_ROW.get(row.kind)
    extras = from_row(row, zone, horizon) if from_row else {}
    values: dict[str, Any] = {}
    for item in fields(kind):
        if item.name in series:
            values[item.name] = series[item.name]
        elif item.name in extras:
            values[item.name] = extras[item.name]
        elif hasattr(row, item.name):
            values[item.name] = getattr(row, item.name)
        elif item.default is MISSING:
            raise ProblemError(f"{row.name}.{item.name}", "missing", "one value per step")
    if values.get("initial_minutes", 0) is None:
        values["initial_minutes"] = inf
    return kind(**values)


def _local_days(zone: ZoneInfo, horizon: Horizon) -> list[date]:
    first = horizon.start.astimezone(zone).date() - ONE_DAY
    last = horizon.end.astimezone(zone).date()
    return [first + index * ONE_DAY for index in range((last - first).days + 1)]


def _span(day: date, start: time, end: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the span from `start` to `end` local time; an end at or before the start is on the next day."""
    end_day = day if end > start else day + ONE_DAY
    return datetime.combine(day, start, zone), datetime.combine(end_day, end, zone)


def _vehicle_from_row(row: Any, zone: ZoneInfo, horizon: Horizon) -> dict[str, Any]:
    stays = []
    for day in _local_days(zone, horizon):
        for pattern in row.stays.all():
            if pattern.weekday not in (None, day.weekday()):
                continue
            arrival, departure = _span(day, pattern.arrival, pattern.departure, zone)
            if departure > horizon.start and arrival < horizon.end:
                stays.append(
                    Stay(
                        arrival=arrival,
                        departure=departure,
                        arrival_soc_percent=pattern.arrival_soc_percent,
                        departure_soc_percent=pattern.departure_soc_percent,
                        trip_energy_kwh=pattern.trip_energy_kwh,
                    )
                )
    return {"stays": tuple(sorted(stays, key=lambda stay: stay.arrival))}


def _stay_columns(stay: Stay, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "arrival": stay.arrival.astimezone(zone).time(),
        "departure": stay.departure.astimezone(zone).time(),
        "arrival_soc_percent": stay.arrival_soc_percent,
        "departure_soc_percent": stay.departure_soc_percent,
        "trip_energy_kwh": stay.trip_energy_kwh,
    }


def _heat_pump_from_row(row: Any, _zone: ZoneInfo, _horizon: Horizon) -> dict[str, Any]:
    if not row.performance_map:
        return {"performance_map": TYPICAL_AIR_WATER}
    stored = row.performance_map
    return {
        "performance_map": HeatPumpMap(
            supply_c=tuple(stored["supply_c"]),
            ambient_c=tuple(stored["ambient_c"]),
            electric_kw=tuple(tuple(line) for line in stored["electric_kw"]),
            heat_kw=tuple(tuple(line) for line in stored["heat_kw"]),
        )
    }


def _heat_pump_to_row(device: Any, _zone: ZoneInfo) -> dict[str, Any]:
    heat_map: HeatPumpMap = device.performance_map
    if heat_map is TYPICAL_AIR_WATER:
        return {"performance_map": None}
    return {
        "performance_map": {
            "supply_c": list(heat_map.supply_c),
            "ambient_c": list(heat_map.ambient_c),
            "electric_kw": [list(line) for line in heat_map.electric_kw],
            "heat_kw": [list(line) for line in heat_map.heat_kw],
        }
    }


def _generator_from_row(row: Any, _zone: ZoneInfo, _horizon: Horizon) -> dict[str, Any]:
    return {"fuel_curve": tuple((float(power), float(fuel)) for power, fuel in row.fuel_curve)}


def _generator_to_row(device: Any, _zone: ZoneInfo) -> dict[str, Any]:
    return {"fuel_curve": [list(point) for point in device.fuel_curve]}


def _shiftable_from_row(row: Any, zone: ZoneInfo, horizon: Horizon) -> dict[str, Any]:
    profile_step = timedelta(minutes=row.profile_step_minutes)
    if profile_step % horizon.step:
        raise ProblemError(
            f"{row.name}.profile_step_minutes", row.profile_step_minutes, f"a multiple of the step ({horizon.step})"
        )
    day = horizon.start.astimezone(zone).date()
    earliest, latest = row.earliest_start, row.latest_end
    forbidden = tuple(
        _span(each, time.fromisoformat(start), time.fromisoformat(end), zone)
        for each in _local_days(zone, horizon)
        for start, end in row.forbidden
    )
    return {
        "profile_kw": np.repeat(np.array(row.profile_kw, dtype=np.float64), profile_step // horizon.step),
        "earliest_start": earliest and datetime.combine(day, earliest, zone),
        "latest_end": latest and _span(day, earliest or time(), latest, zone)[1],
        "forbidden": forbidden,
    }


def _shiftable_to_row(device: Any, zone: ZoneInfo) -> dict[str, Any]:
    def local(moment: datetime | None) -> time | None:
        return None if moment is None else moment.astimezone(zone).time()

    return {
        "profile_kw": device.profile_kw.tolist(),
        "shift": str(device.shift),
        "earliest_start": local(device.earliest_start),
        "latest_end": local(device.latest_end),
        "forbidden": [[f"{local(start):%H:%M}", f"{local(end):%H:%M}"] for start, end in device.forbidden],
    }


FROM_ROW: dict[str, Callable[[Any, ZoneInfo, Horizon], dict[str, Any]]] = {
    ElectricVehicle.kind: _vehicle_from_row,
    "heat_pump": _heat_pump_from_row,
    "generator": _generator_from_row,
    ShiftableLoad.kind: _shiftable_from_row,
}
TO_ROW: dict[str, Callable[[Any, ZoneInfo], dict[str, Any]]] = {
    "heat_pump": _heat_pump_to_row,
    "generator": _generator_to_row,
    ShiftableLoad.kind: _shiftable_to_row,
}
