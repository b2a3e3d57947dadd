"""The native payload: one reading as JSON, or an array of readings, checked and converted to what is stored."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from telemetry.quantities import Quantity

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST_PAYLOAD = 65_536
LARGEST_NUMBER = 1e12
MOST_READINGS = 5000
OLDEST_US = 2 * 366 * 86_400 * 1_000_000
NEWEST_US = 3600 * 1_000_000

Number = Annotated[float, msgspec.Meta(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
UnixSeconds = Annotated[float, msgspec.Meta(ge=0, le=10_000_000_000)]


class NativeReading(msgspec.Struct, gc=False):
    """A value at a time: `ts` in ISO 8601 with a zone, or in seconds since 1970.

    `unit` is the quantity's own where there is none. Other names are ignored: what a reading is of stands in its topic.
    """

    ts: Moment | UnixSeconds
    value: Number
    unit: str = ""
    quality: Literal["good", "uncertain", "bad"] = "good"


@dataclass(frozen=True)
class Refusal:
    """A part of a message, or all of it, that is refused, and why."""

    reason: str
    raw: bytes


_one = msgspec.json.Decoder(NativeReading)
_several = msgspec.json.Decoder(Annotated[list[NativeReading], msgspec.Meta(min_length=1, max_length=MOST_READINGS)])
_parts = msgspec.json.Decoder(Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MOST_READINGS)])


def read_native(payload: bytes, quantity: Quantity, now_us: int, refused: list[Refusal]) -> list[tuple[int, float]]:
    """Return the readings of a payload as (microseconds since 1970, value in the quantity's unit).

    What is wrong is added to `refused`: a single element of an array, or the payload as a whole.
    """
    if len(payload) > LARGEST_PAYLOAD:
        refused.append(Refusal(f"The payload has {len(payload)} bytes; allowed: {LARGEST_PAYLOAD}.", payload))
        return []
    try:
        found = _several.decode(payload) if payload[:1] == b"[" else [_one.decode(payload)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if payload[:1] != b"[":
            refused.append(Refusal(_reason(error), payload))
            return []
        return _each_part(payload, quantity, now_us, refused)
    stored = []
    for reading in found:
        checked = _checked(reading, quantity, now_us)
        if isinstance(checked, str):
            raw = payload if len(found) == 1 else msgspec.json.encode(reading)
            refused.append(Refusal(checked, raw))
        else:
            stored.append(checked)
    return stored


def _each_part(payload: bytes, quantity: Quantity, now_us: int, refused: list[Refusal]) -> list[tuple[int, float]]:
    """Return the right elements of an array in which at least one is wrong."""
    try:
        parts = _parts.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        refused.append(Refusal(_reason(error), payload))
        return []
    stored = []
    for part in parts:
        raw = bytes(part)
        try:
            checked = _checked(_one.decode(raw), quantity, now_us)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            checked = _reason(error)
        if isinstance(checked, str):
            refused.append(Refusal(checked, raw))
        else:
            stored.append(checked)
    return stored


def _checked(reading: NativeReading, quantity: Quantity, now_us: int) -> tuple[int, float] | str:
    """Return what is stored, or why nothing is."""
    ts = reading.ts
    moment_us = round(ts * 1_000_000) if isinstance(ts, float) else (ts - EPOCH) // MICROSECOND
    if problem := wrong_time(moment_us, now_us):
        return problem
    factor = quantity.units.get(reading.unit) if reading.unit else 1.0
    if factor is None:
        return f"unit is {reading.unit[:40]!r}; allowed for {quantity.name}: {', '.join(quantity.units)}."
    if reading.quality == "bad":
        return "quality is bad; allowed: good, uncertain."
    value = reading.value * factor
    if not quantity.lowest <= value <= quantity.highest:
        return f"value is {reading.value:g}; allowed for {quantity.name}: {quantity.allowed(factor)}."
    return moment_us, value


def wrong_time(moment_us: int, now_us: int) -> str:
    """Return why a reading of this time is refused; empty where it is not."""
    if moment_us > now_us + NEWEST_US:
        return f"ts is {_shown(moment_us)}; allowed: at most an hour in the future."
    if moment_us < now_us - OLDEST_US:
        return f"ts is {_shown(moment_us)}; allowed: at most two years old."
    return ""


def _shown(moment_us: int) -> str:
    try:
        moment = EPOCH + moment_us * MICROSECOND
    except OverflowError:
        return "beyond the calendar"
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _reason(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"The payload is no reading: {error}."
    if isinstance(error, RecursionError):
        return "The payload is nested too deeply."
    return f"The payload is no JSON: {error}."
