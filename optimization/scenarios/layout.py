"""The OpenTUMFlex input layout: its devices, parameters and series, and what each may hold."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

PROPERTIES_SHEET = "properties"
SERIES_SHEET = "time_series"
PARAMETER_COLUMN = "parameter"
VALUE_COLUMN = "value"
LABEL_COLUMN = "device"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a number may be, and what it means; `above` excludes the lower bound itself."""

    low: float
    high: float = math.inf
    unit: str = ""
    meaning: str = ""
    above: bool = False
    whole: bool = False

    def holds(self, number: float) -> bool:
        """Return whether the number is finite and within the limits."""
        inside = math.isfinite(number) and self.low <= number <= self.high
        return inside and not (self.above and number == self.low) and not (self.whole and number != int(number))

    @property
    def allowed(self) -> str:
        """The limits in words."""
        if self.whole:
            return " or ".join(str(number) for number in range(int(self.low), int(self.high) + 1))
        relation = "more than" if self.above else "at least"
        span = f"a number of {relation} {self.low:g}"
        if not math.isinf(self.high):
            span += f" and at most {self.high:g}"
        return f"{span} ({self.unit})" if self.unit else span


MAX_POWER_KW = 1e6


def _power(meaning: str) -> Limits:
    return Limits(low=0, high=MAX_POWER_KW, unit="kW", meaning=meaning)


def _capacity(meaning: str) -> Limits:
    return Limits(low=0, high=MAX_POWER_KW, unit="kWh", meaning=meaning)


def _percent(meaning: str) -> Limits:
    return Limits(low=0, high=100, unit="%", meaning=meaning)


def _efficiency(meaning: str, high: float = 1.0) -> Limits:
    return Limits(low=0, high=high, unit="share", meaning=meaning, above=True)


PARAMETERS: Mapping[str, Mapping[str, Limits]] = {
    "sto": {
        "stocap": _capacity("capacity of the heat store; 0 means no store"),
        "initSOC": _percent("content at the start"),
        "eta": Limits(low=0, high=1, unit="share", meaning="not used: losses are in self_discharge"),
        "minpow": _power("not used"),
        "maxpow": _power("greatest power into and out of the store; 0 means no limit"),
        "self_discharge": Limits(low=0, high=1, unit="share per hour", meaning="heat lost per hour"),
        "mintemp": Limits(low=-20, high=150, unit="°C", meaning="temperature of the empty store"),
        "maxtemp": Limits(low=-20, high=150, unit="°C", meaning="temperature of the full store"),
    },
    "boiler": {
        "maxpow": _power("greatest heat output; 0 means no boiler"),
        "minpow": _power("not used: the boiler modulates from 0"),
        "eta": _efficiency("heat per gas (calorific value)", high=1.1),
    },
    "chp": {
        "minpow": _power("least electric power; 0 means on at full power or off"),
        "maxpow": _power("electric power; 0 means no CHP unit"),
    },
    "hp": {
        "minpow": _power("least electric power; 0 means on at full power or off"),
        "maxpow": _power("electric power at 2 °C outside; 0 means no heat pump"),
        "supply_temp": Limits(low=10, high=75, unit="°C", meaning="supply temperature"),
    },
    "pv": {
        "maxpow": _power("peak power; 0 means no PV"),
        "minpow": _power("not used"),
        "eta": Limits(low=0, high=1, unit="share", meaning="not used: solar_power is AC power per peak power"),
    },
    "bat": {
        "stocap": _capacity("capacity; 0 means no battery"),
        "eta": _efficiency("efficiency of charging, and of discharging"),
        "minpow": _power("not used"),
        "maxpow": _power("greatest charging and discharging power; 0 means no battery"),
        "initSOC": _percent("content at the start"),
    },
    "ev": {
        "stocap": _capacity("capacity; 0 means no car"),
        "eta": _efficiency("efficiency of charging"),
        "initSOC": _percent("content on every arrival"),
        "endSOC": _percent("content wished for at every departure"),
        "minpow": _power("least charging power while it charges"),
        "maxpow": _power("greatest charging power; 0 means no car"),
    },
}


@dataclass(frozen=True, kw_only=True)
class SeriesColumn:
    """A series of a file: its heading, the field of `SiteSeries` it fills, and what its values may be."""

    heading: str
    field: str
    limits: Limits
    required: bool = True


_PRICE = Limits(low=-10, high=10, unit="EUR/kWh")

SERIES: tuple[SeriesColumn, ...] = (
    SeriesColumn(heading="temperature", field="temperature_c", limits=Limits(low=-60, high=60, unit="°C")),
    SeriesColumn(heading="solar_power", field="pv_yield_kw_per_kw", limits=Limits(low=0, high=1.5, unit="kW per kW")),
    SeriesColumn(heading="load_heat", field="heat_load_kw", limits=_power("heat load")),
    SeriesColumn(heading="load_elec", field="electric_load_kw", limits=_power("electric load")),
    SeriesColumn(heading="ele_price_in", field="import_price_eur_per_kwh", limits=_PRICE),
    SeriesColumn(heading="gas_price", field="gas_price_eur_per_kwh", limits=_PRICE),
    SeriesColumn(heading="ele_price_out", field="export_price_eur_per_kwh", limits=_PRICE),
    SeriesColumn(heading="ev_aval", field="ev_connected", limits=Limits(low=0, high=1, whole=True)),
    SeriesColumn(
        heading="wind_power",
        field="wind_yield_kw_per_kw",
        limits=Limits(low=0, high=1.5, unit="kW per kW"),
        required=False,
    ),
    SeriesColumn(
        heading="fuel_price",
        field="fuel_price_eur_per_l",
        limits=Limits(low=0, high=20, unit="EUR/l"),
        required=False,
    ),
)
SERIES_BY_HEADING: Mapping[str, SeriesColumn] = {column.heading: column for column in SERIES}
