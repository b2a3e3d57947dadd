"""A process of fixed shape that may move in time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from optimization.engine.devices.base import Device
from optimization.engine.errors import ProblemError
from optimization.engine.series import SeriesLike, as_series


class Shift(StrEnum):
    """How a process may move: not at all, as a whole, or step by step with breaks."""

    INFLEXIBLE = "inflexible"
    SHIFTABLE = "shiftable"
    BREAKABLE = "breakable"


@dataclass(frozen=True, kw_only=True, eq=False)
class ShiftableLoad(Device):
    """A process (washing machine, pump, charging of a depot) that runs once in the horizon.

    `profile_kw` has one value per step of the process. It starts no earlier than `earliest_start`, is done by
    `latest_end` (defaults: the horizon) and stands still in the `forbidden` spans. An inflexible process starts at
    `earliest_start`, whatever the prices. Without control every process starts as early as it may.
    """

    kind: ClassVar[str] = "shiftable_load"
    own_length: ClassVar[frozenset[str]] = frozenset({"profile_kw"})

    profile_kw: SeriesLike
    shift: Shift = Shift.SHIFTABLE
    earliest_start: datetime | None = None
    latest_end: datetime | None = None
    forbidden: tuple[tuple[datetime, datetime], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keep("profile_kw", as_series(self.profile_kw, self.field("profile_kw"), minimum=0))
        if self.shift not in list(Shift):
            raise ProblemError(self.field("shift"), self.shift, ", ".join(Shift))
        moments = [self.earliest_start, self.latest_end, *(moment for span in self.forbidden for moment in span)]
        for moment in moments:
            if moment is not None and moment.tzinfo is None:
                raise ProblemError(self.field("earliest_start"), moment, "a time with a time zone")
