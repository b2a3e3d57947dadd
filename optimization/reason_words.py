"""The reasons of a plan in words, in the language of the reader."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from optimization.engine.explain import Explanation
from optimization.engine.reasons import Reason, Why

SITE = ""
CT_PER_EUR = 100

WORDS: Mapping[Why, str | Promise] = {
    Why.IMPORTS: gettext_lazy("imports; one more kWh would cost {here}"),
    Why.EXPORTS: gettext_lazy("exports; one more kWh would take {here} from what is earned"),
    Why.SELF_SUFFICIENT: gettext_lazy("neither imports nor exports; one more kWh would cost {here}"),
    Why.AT_IMPORT_LIMIT: gettext_lazy("imports as much as its limit allows; one more kWh would cost {here}"),
    Why.AT_EXPORT_LIMIT: gettext_lazy("exports as much as its limit allows; one more kWh would cost {here}"),
    Why.CHARGES: gettext_lazy("charges: a kWh costs {here} now and brings {below} later, losses paid"),
    Why.DISCHARGES: gettext_lazy("discharges: a kWh saves {here} now; kept, it would bring {above} later"),
    Why.WAITS: gettext_lazy("waits: a kWh is worth {here} now; charging pays below {below}, discharging above {above}"),
    Why.FULL: gettext_lazy("is as full as it should be"),
    Why.EMPTY: gettext_lazy("is as empty as it may be"),
    Why.AWAY: gettext_lazy("is away"),
    Why.RUNS: gettext_lazy("runs: a kWh costs {below} to make and is worth {here}"),
    Why.RESTS: gettext_lazy("rests: a kWh would cost {above} to make and is worth {here}"),
    Why.HELD_ON: gettext_lazy(
        "stays on although a kWh costs {below} and is worth {here}: its run, least output or start decide"
    ),
    Why.HELD_OFF: gettext_lazy(
        "stays off although a kWh would cost {above} and is worth {here}: its rest, least output or start decide"
    ),
    Why.CURTAILED: gettext_lazy("is curtailed: one more kWh would be worth {here}"),
    Why.STORES_HEAT: gettext_lazy("stores heat: a kWh is worth {here} now and {below} later"),
    Why.GIVES_HEAT: gettext_lazy("gives heat: a kWh is worth {here} now; kept, {above} later"),
    Why.SHIFTED: gettext_lazy("runs now: its kWh cost {here} on average, at its earliest time {above}"),
}
WITHOUT_DISCHARGING = gettext_lazy("waits: a kWh costs {here} now; charging pays below {below}")


@dataclass(frozen=True)
class Line:
    """What one device (or the site, with an empty name) does in a step, and why."""

    device: str
    text: str


def lines_per_step(explanation: Explanation) -> list[list[Line]]:
    """Return for each step the reasons of the site and of its devices."""
    return [list(_lines(explanation, step)) for step in range(len(explanation.site))]


def _lines(explanation: Explanation, step: int) -> Iterator[Line]:
    for name, reasons in {SITE: explanation.site, **explanation.devices}.items():
        reason = reasons[step]
        if reason is not None:
            yield Line(name, in_words(reason))


MISSED = gettext_lazy("misses a wish, as nothing possible holds it: {wish}, by {amount} {unit}")


def missed_in_words(wish: str, amount: float, unit: str) -> str:
    """Return a missed wish as a clause without its subject."""
    return str(MISSED).format(wish=wish, amount=number_format(round(amount, 2), 2), unit=unit)


def in_words(reason: Reason) -> str:
    """Return a reason as a clause without its subject."""
    cannot_discharge = reason.why is Why.WAITS and isnan(reason.above)
    words = str(WITHOUT_DISCHARGING if cannot_discharge else WORDS[reason.why])
    return words.format(here=_ct(reason.here), below=_ct(reason.below), above=_ct(reason.above))


def _ct(eur_per_kwh: float) -> str:
    return "–" if isnan(eur_per_kwh) else f"{number_format(round(eur_per_kwh * CT_PER_EUR, 1), 1)} ct"
