"""What is wrong with a channel's readings, as stretches of time that a person can look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from forecasting.engine.grid import Grid, Series
from forecasting.engine.quality import Flag, Quality, Rules, checked
from forecasting.facts import KINDS
from forecasting.histories import STEP, STEP_SECONDS, origin_of
from telemetry.models import Channel
from telemetry.queries import means_of

# Rules look at what is usual, so they need more than the days that are shown.
DAYS = 28
NAMES: dict[Flag, str | Promise] = {
    Flag.GAP: _("Gap"),
    Flag.SPIKE: _("Spike"),
    Flag.STUCK: _("Stuck"),
    Flag.WRONG_SIGN: _("Wrong sign"),
    Flag.REPEATED: _("Hour told twice"),
    Flag.DEAD: _("Channel is dead"),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong for some time."""

    flag: Flag
    start: datetime
    end: datetime

    @property
    def label(self) -> str:
        """What it is, in words."""
        return str(NAMES[self.flag])


@dataclass(frozen=True, eq=False)
class Readings:
    """The quarter-hourly means of a channel, and what is wrong with them; None where nothing was measured."""

    grid: Grid
    values: Series
    quality: Quality | None

    @property
    def faults(self) -> list[Fault]:
        """What is wrong, the newest first."""
        found = [fault for flag in NAMES for fault in self._of(flag)]
        return sorted(found, key=lambda each: (each.start, each.flag), reverse=True)

    def marked(self, flag: Flag) -> "np.typing.NDArray[np.bool_]":
        """Return the steps that have a flag."""
        none = np.zeros(len(self.values), dtype=bool)
        return none if self.quality is None else (self.quality.flags & flag) != 0

    def _of(self, flag: Flag) -> Iterator[Fault]:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], self.marked(flag), [False]]).astype(np.int8)))
        for begin, end in edges.reshape(-1, 2).tolist():
            yield Fault(flag, self.grid.start + begin * STEP, self.grid.start + end * STEP)


def readings_of(channel: Channel, until: datetime) -> Readings:
    """Return the readings of four weeks until a time, at most until now, and what is wrong with them; one query."""
    end = min(origin_of(until), origin_of(timezone.now()))
    count = DAYS * (timedelta(days=1) // STEP)
    grid = Grid(end - count * STEP, STEP, count)
    values = means_of([channel.pk], grid.start, STEP_SECONDS, count)[0]
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return Readings(grid, values, None)
    # What was never measured before the first value is no gap.
    first = int(known[0])
    kind = KINDS.get(channel.asset.kind, ("load",))[0] if channel.asset else "load"
    return Readings(
        Grid(grid.start + first * STEP, STEP, count - first),
        values[first:],
        checked(values[first:], STEP, Rules(kind=kind)),
    )
