"""Set-points as devices see them: a series of powers with an id, and the device's answer to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import gcd, isnan
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

Powers = npt.NDArray[np.float64]

MOST_STEPS = 2000
LARGEST_POWER_KW = 1e9
LARGEST_ANSWER = 4096
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, eq=False)
class Steps:
    """Powers in equal steps from `start` on, kW, positive for consumption; NaN where a step says nothing."""

    start: datetime
    step_seconds: int
    power_kw: Powers

    @property
    def end(self) -> datetime:
        """When the last step is over."""
        return self.start + timedelta(seconds=self.step_seconds * len(self.power_kw))

    def since(self, moment: datetime) -> "Steps":
        """Return the steps that are not over at a time; those that say nothing at both ends are left out."""
        over = max((moment - self.start) // timedelta(seconds=self.step_seconds), 0)
        told = np.flatnonzero(~np.isnan(self.power_kw[over:]))
        if not len(told):
            return Steps(self.start, self.step_seconds, self.power_kw[:0])
        first, last = over + int(told[0]), over + int(told[-1]) + 1
        return Steps(
            self.start + timedelta(seconds=first * self.step_seconds), self.step_seconds, self.power_kw[first:last]
        )

    def until(self, moment: datetime) -> "Steps":
        """Return the steps that start before a time."""
        count = max(-((self.start - moment) // timedelta(seconds=self.step_seconds)), 0)
        return Steps(self.start, self.step_seconds, self.power_kw[:count])

    def at(self, moment: datetime) -> float | None:
        """Return the power of a time; None where no step says anything."""
        index = (moment - self.start) // timedelta(seconds=self.step_seconds)
        if not 0 <= index < len(self.power_kw) or isnan(self.power_kw[index]):
            return None
        return float(self.power_kw[index])


def spliced(old: Steps, new: Steps) -> Steps:
    """Return `new` with the steps of `old` before and after it; a device holds one series only.

    The step is the longest that fits both. Where that makes too many steps, `new` stands alone.
    """
    if not len(old.power_kw):
        return new
    start, end = min(old.start, new.start), max(old.end, new.end)
    apart = abs(new.start - old.start)
    if apart % SECOND:
        return new
    step = gcd(old.step_seconds, new.step_seconds, apart // SECOND)
    count = (end - start) // SECOND // step
    if count > MOST_STEPS:
        return new
    power_kw = np.full(count, np.nan)
    for each in (old, new):
        at = (each.start - start) // SECOND // step
        values = np.repeat(each.power_kw, each.step_seconds // step)
        told = ~np.isnan(values)
        power_kw[at : at + len(values)][told] = values[told]
    return Steps(start, step, power_kw)


def payload_of(message_id: UUID, issued_at: datetime, steps: Steps) -> bytes:
    """Return a set-point as JSON; `power_kw` has a number (to the watt) for each step, null without one."""
    return msgspec.json.encode(
        {
            "id": str(message_id),
            "issued_at": _text(issued_at),
            "valid_from": _text(steps.start),
            "valid_until": _text(steps.end),
            "step_seconds": steps.step_seconds,
            "power_kw": [None if isnan(value) else round(value, 3) + 0.0 for value in steps.power_kw.tolist()],
        }
    )


class _Payload(msgspec.Struct):
    id: str
    valid_from: datetime
    step_seconds: Annotated[int, msgspec.Meta(ge=1)]
    power_kw: list[float | None]


_payload = msgspec.json.Decoder(_Payload)


def read_payload(payload: bytes) -> tuple[str, Steps]:
    """Return the id and the steps of a set-point, as a device reads them.

    Raises:
        ValueError: for what is none.
    """
    try:
        found = _payload.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"No set-point: {error}.") from error
    power_kw = np.array([np.nan if value is None else value for value in found.power_kw], dtype=np.float64)
    return found.id, Steps(found.valid_from.astimezone(UTC), found.step_seconds, power_kw)


class Answer(msgspec.Struct, frozen=True):
    """What a device says to a set-point; `reason` why it refuses it."""

    id: UUID
    status: Literal["accepted", "refused"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


_answer = msgspec.json.Decoder(Answer)


def read_answer(payload: bytes) -> Answer | str:
    """Return a device's answer, or why it is none."""
    if len(payload) > LARGEST_ANSWER:
        return f"The answer has {len(payload)} bytes; allowed: {LARGEST_ANSWER}."
    try:
        return _answer.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return f"The answer is none: {error}."


def wrong_powers(power_kw: Iterable[float]) -> str:
    """Return what is wrong with the powers of a set-point; empty where nothing is."""
    values = np.asarray(list(power_kw), dtype=np.float64)
    if not 1 <= len(values) <= MOST_STEPS:
        return f"power_kw has {len(values)} values; allowed: 1 to {MOST_STEPS}."
    wrong = np.flatnonzero(np.isinf(values) | (np.abs(np.nan_to_num(values)) > LARGEST_POWER_KW))
    if len(wrong):
        return f"power_kw[{wrong[0]}] is {values[wrong[0]]:g}; allowed: at most {LARGEST_POWER_KW:g} kW either way."
    return "power_kw has no number in it; allowed: at least one." if np.isnan(values).all() else ""


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
