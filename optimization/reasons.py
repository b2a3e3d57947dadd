"""Why a stored plan does what it does, for the portal and the API."""

from datetime import datetime
from math import isfinite
from typing import Any

from assets.queries import device_label, kinds_by_name
from optimization.engine import ProblemError
from optimization.engine.explain import Explanation, explain
from optimization.engine.reasons import Reason, Reasons
from optimization.engine.schedule import SITE as METER
from optimization.engine.series import Series
from optimization.models import ScheduleRun
from optimization.queries import problem_of, schedule_of
from optimization.reason_words import SITE, Line, in_words, lines_per_step, missed_in_words


def explanation_of(run: ScheduleRun) -> Explanation | None:
    """Return why a plan does what it does; None where the site's devices are no longer those of the plan."""
    plan = schedule_of(run)
    try:
        problem = problem_of(run)
    except (ProblemError, KeyError):
        return None
    if {device.name: device.quantities for device in problem.devices} != {
        name: frozenset(series) for name, series in plan.devices.items()
    }:
        return None
    return explain(problem, plan)


def reasons_page(run: ScheduleRun) -> dict[str, Any]:
    """Return what reasons.js shows: for each step a line per device, and first the site's own."""
    found, kinds = explanation_of(run), kinds_by_name(run.site)
    steps = [*([] for _ in range(run.past_steps)), *lines_per_step(found)] if found else []
    for missed in run.unmet if steps else ():
        step = int((datetime.fromisoformat(missed["start"]) - run.start).total_seconds()) // run.step_seconds
        text = missed_in_words(missed["wish"], missed["amount"], missed["unit"])
        steps[step].append(Line("" if missed["device"] == METER else missed["device"], text))
    return {
        "start": round(run.start.timestamp() * 1000),
        "step_seconds": run.step_seconds,
        "zone": run.site.time_zone,
        "steps": [
            [
                {
                    "label": run.site.name if line.device == SITE else device_label(line.device, kinds),
                    "kind": kinds.get(line.device, ""),
                    "text": line.text,
                }
                for line in lines
            ]
            for lines in steps
        ],
    }


def reasons_body(run: ScheduleRun) -> dict[str, Any]:
    """Return the worths and reasons of a run as the API answers them."""
    found = explanation_of(run)
    if found is None:
        return {"explained": False, "start": run.planned_horizon.start, "step": run.step_seconds}
    return {
        "explained": True,
        "start": run.planned_horizon.start,
        "step": run.step_seconds,
        "electricity_eur_per_kwh": _numbers(found.worth.electricity),
        "heat_eur_per_kwh": _numbers(found.worth.heat),
        "stored_eur_per_kwh": {name: _numbers(values) for name, values in found.worth.stored.items()},
        "site": _told(found.site),
        "devices": {name: _told(reasons) for name, reasons in found.devices.items()},
    }


def _told(reasons: Reasons) -> list[dict[str, Any] | None]:
    return [None if reason is None else _body(reason) for reason in reasons]


def _body(reason: Reason) -> dict[str, Any]:
    worths = {
        "here_eur_per_kwh": reason.here,
        "below_eur_per_kwh": reason.below,
        "above_eur_per_kwh": reason.above,
    }
    known = {name: round(float(value), 6) for name, value in worths.items() if isfinite(value)}
    return {"why": str(reason.why), **known, "text": in_words(reason)}


def _numbers(values: Series) -> list[float | None]:
    return [round(value, 6) if isfinite(value) else None for value in values.tolist()]
