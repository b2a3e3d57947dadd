"""Plans as a value per column of the model, made from the series of devices."""

from collections.abc import Mapping

import numpy as np

from optimization.engine.compiled import Compiled
from optimization.engine.schedule import DeviceSeries
from optimization.engine.series import Series
from optimization.engine.topology import Site


def guide_from_series(site: Site, compiled: Compiled, devices: Mapping[str, DeviceSeries]) -> Series:
    """Return a plan, given as the series of all devices, as a value per column, where a column has such a value."""
    guide = np.zeros(compiled.column_count)
    for device, variables in zip(site.devices, compiled.variables, strict=False):
        series = devices.get(device.name, {})
        for name, place in variables.items():
            if name in series and len(series[name]) == place.stop - place.start:
                guide[place] = series[name]
        _fill_process(guide, variables, series)
        if "charging" in variables:
            guide[variables["charging"]] = series["charge_kw"] > 0
    meter, count = compiled.variables[-1], site.problem.horizon.count
    grid = sum((series["power_kw"] for series in devices.values() if "power_kw" in series), np.zeros(count))
    guide[meter["import_kw"]], guide[meter["export_kw"]] = np.maximum(grid, 0.0), np.maximum(-grid, 0.0)
    return leaning(compiled, guide)


def leaning(compiled: Compiled, guide: Series) -> Series:
    """Return the plan with each pair of opposites decided for the larger one."""
    binary, one, other = compiled.exclusive.T
    guide = guide.copy()
    guide[binary] = guide[one] > guide[other]
    return guide


def _fill_process(guide: Series, variables: Mapping[str, slice], series: DeviceSeries) -> None:
    """Set the start, or the step of each stage, of a process."""
    on = np.flatnonzero(series.get("on", np.zeros(0)) > 0.5)
    if not len(on):
        return
    if "runs" in variables:
        runs = guide[variables["runs"]].reshape(len(on), -1)
        runs[np.arange(len(on)), on] = 1.0
        guide[variables["runs"]] = runs.ravel()
    elif "on" not in variables and "start" in variables:
        guide[variables["start"]][on[0]] = 1.0
