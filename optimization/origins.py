"""Where the inputs of a plan came from, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from optimization.models import ScheduleRun


@dataclass(frozen=True)
class Origin:
    """An input such as `pv.yield_kw_per_kw`, and in words where its values came from."""

    name: str
    words: str


def origins_of(run: ScheduleRun) -> list[Origin]:
    """Return the inputs of a run by name; times in words are local ones of its site."""
    given = {name: value for name, value in run.input_sources.items() if isinstance(value, Mapping)}
    return [Origin(name, _words(value, run)) for name, value in sorted(given.items())]


def _words(source: Mapping[str, Any], run: ScheduleRun) -> str:
    kind = source.get("source")
    if kind == "forecast":
        return f"forecast {source['quantity']} by {source['by']}, issued {_local(source['issued_at'], run)}" + (
            f", quantile {source['quantile']:g}" if "quantile" in source else ""
        )
    if kind == "reserve":
        return f"for {100 * source['share']:g} % of {source['scenarios']} scenarios"
    if kind == "tariffs":
        other = source.get("without_tariff")
        expected = "".join(
            f"; {each['series']} from {_local(each['from'], run)} as forecast by {each['by']}, "
            f"issued {_local(each['issued_at'], run)}"
            for each in source.get("expected", ())
        )
        return f"tariffs of the site{expected}" + (f"; without a tariff: {_words(other, run)}" if other else "")
    if kind == "run":
        return f"an earlier plan, of the day that begins {_local(source['start'], run)}"
    if kind == "sample":
        return f"sample day of the scenario {source['scenario']}"
    return "given with the request"


def _local(moment: str, run: ScheduleRun) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(run.site.zone):%Y-%m-%d %H:%M}"
