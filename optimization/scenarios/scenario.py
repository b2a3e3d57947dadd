"""A scenario: the devices of a site by name, to be met with the series of a day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from optimization.engine.devices import Device
from optimization.engine.horizon import Horizon
from optimization.engine.problem import Emissions, GridConnection, Prices, SiteProblem
from optimization.engine.series import Series
from optimization.scenarios.errors import InputError
from optimization.scenarios.samples import sample_series, season_of
from optimization.scenarios.series import SiteSeries

# Mean of the German grid in 2024 (Umweltbundesamt); the layout of the files has no column for it.
GRID_CO2_KG_PER_KWH = 0.363

DeviceMaker = Callable[[SiteSeries, Horizon, ZoneInfo], tuple[Device, ...]]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A site that can be planned: its devices for given series, its grid connection, and its sample days.

    `make_devices` gets series that already have one value per step of the horizon.
    """

    name: str
    title: str
    make_devices: DeviceMaker
    sample: str = "household"
    connection: GridConnection = field(default_factory=GridConnection)

    def sample_series(self, horizon: Horizon, zone: ZoneInfo) -> SiteSeries:
        """Return the shipped day that suits the date: winter from October to March, else summer."""
        return sample_series(season_of(horizon.start.astimezone(zone).date()), horizon, zone, site=self.sample)

    def devices(self, series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> tuple[Device, ...]:
        """Return the devices, loads included, with one value per step of `horizon`.

        Raises:
            InputError: where the series do not fit the horizon or lack one that the site needs.
            ProblemError: where a device contradicts physics.
        """
        return self.make_devices(series.on(horizon, zone), horizon, zone)

    def problem(self, series: SiteSeries, horizon: Horizon, zone: ZoneInfo) -> SiteProblem:
        """Return what is to be planned.

        Raises:
            InputError, ProblemError: as `devices`.
        """
        fitted = series.on(horizon, zone)
        return SiteProblem(
            name=self.name,
            horizon=horizon,
            devices=self.make_devices(fitted, horizon, zone),
            prices=Prices(
                import_eur_per_kwh=fitted.import_price_eur_per_kwh,
                export_eur_per_kwh=fitted.export_price_eur_per_kwh,
                gas_eur_per_kwh=fitted.gas_price_eur_per_kwh,
                fuel_eur_per_l=0.0 if fitted.fuel_price_eur_per_l is None else fitted.fuel_price_eur_per_l,
            ),
            connection=self.connection,
            emissions=Emissions(import_kg_per_kwh=GRID_CO2_KG_PER_KWH),
        )


def needed(series: Series | None, heading: str, scenario: str, source: SiteSeries) -> Series:
    """Return a series that is optional in a file but not for this scenario.

    Raises:
        InputError: where the file lacks it.
    """
    if series is None:
        raise InputError(source.place.at(), f"no column {heading}", f"a column {heading}, which {scenario} needs")
    return series


def registry(*scenarios: Scenario) -> Mapping[str, Scenario]:
    """Return the scenarios by name."""
    return {scenario.name: scenario for scenario in scenarios}
