"""What was expected and what was measured, beside a plan."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from django.utils.translation import gettext as _

from assets.appearance import of_kind
from assets.models import Asset
from assets.queries import device_label
from flexplatform.portal.charts import Chart, ChartSeries
from forecasting.models import LEVELS
from forecasting.queries import Forecast, forecasts_of
from optimization.engine.series import Series
from optimization.models import ScheduleRun, ScheduleSeries
from optimization.queries import SeriesByName
from telemetry.quantities import QUANTITIES

MeasuredByName = Mapping[str, Mapping[str, Series]]
# More would hide each other; the others appear when their names are chosen.
MOST_SHOWN = 3


def grid_measured(plan: SeriesByName, measured: MeasuredByName) -> Series | None:
    """Return the measured power at the meter; without one the sum of the devices, where all are measured."""
    meter = measured.get("", {}).get("grid_power_kw")
    if meter is not None:
        return meter
    electric = [name for name, series in plan.items() if name and "power_kw" in series]
    powers = [measured.get(name, {}).get("power_kw") for name in electric]
    known = [power for power in powers if power is not None]
    return np.sum(known, axis=0) if known and len(known) == len(electric) else None


def forecast_charts(
    run: ScheduleRun, series: Mapping[str, SeriesByName], kinds: Mapping[str, str], measured: MeasuredByName
) -> list[Chart]:
    """Return what was expected when the plan was made, with its band, and what came; nothing without forecasts.

    Two queries, whatever the number of devices.
    """
    found = forecasts_of([run.site], run.horizon, run.created_at, quantiles=True)[run.site_id]
    names = dict(Asset.objects.filter(site=run.site_id).values_list("pk", "name"))
    lines: list[list[ChartSeries]] = []
    for (asset, quantity), forecast in sorted(found.items(), key=lambda item: (item[0][0] or 0, item[0][1])):
        name = names.get(asset or 0, "")
        factor = _kw_per_unit(quantity, name, series)
        if name and factor is not None:
            label = device_label(name, kinds)
            lines.append(list(_lines(label, of_kind(kinds.get(name, "")), forecast, factor, measured.get(name, {}))))
    shown = [replace(each, hidden=number >= MOST_SHOWN) for number, group in enumerate(lines) for each in group]
    if not shown:
        return []
    note = _("As known when the plan was made. The band holds eight of ten outcomes.")
    return [Chart(name="forecast", title=_("Forecast and outcome"), unit="kW", series=shown, note=note)]


def _kw_per_unit(quantity: str, name: str, series: Mapping[str, SeriesByName]) -> float | None:
    """Return what turns a forecast into kW as the plan has them, None where it is no power."""
    if QUANTITIES[quantity].unit == "kW":
        return 1.0
    plan = series[ScheduleSeries.Role.PLAN].get(name, {})
    given = series[ScheduleSeries.Role.INPUT].get(name, {})
    if quantity != "yield_kw_per_kw" or quantity not in given or not given[quantity].any():
        return None
    available = plan.get("curtailed_kw", 0.0) - plan["power_kw"]
    return -float(np.sum(available) / np.sum(given[quantity]))


def _lines(
    label: str, colour: str, forecast: Forecast, factor: float, measured: Mapping[str, Series]
) -> Iterator[ChartSeries]:
    edges = [(level, forecast.quantile(level)) for level in (LEVELS[0], LEVELS[-1])]
    for level, values in edges if all(values is not None for _level, values in edges) else ():
        name = _("{device}, quantile {level}").format(device=label, level=f"{level:g}")
        yield ChartSeries(
            label=name,
            values=np.asarray(values) * factor,
            colour=colour,
            style="band" if level == LEVELS[-1] else "steps",
            dashed=True,
        )
    expected = _("{device}, expected").format(device=label)
    yield ChartSeries(label=expected, values=forecast.mean * factor, colour=colour, style="steps", dashed=True)
    outcome = measured.get("power_kw", measured.get("heat_kw"))
    if outcome is not None:
        yield ChartSeries(
            label=_("{device}, measured").format(device=label), values=outcome, colour=colour, style="steps"
        )
