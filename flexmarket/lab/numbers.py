"""The numbers of a problem by name, and the same problem with some of them changed."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np

from optimization.engine import ProblemError, SiteProblem

Change = float | bool | str | None
Changes = Mapping[str, Change]
GROUPS = ("prices", "emissions", "connection", "objective")
# Tables measured by a manufacturer: no single number of them means anything alone.
FIXED = frozenset({"name", "performance_map"})
SCALE = "scale:"
LARGEST_FACTOR = 1000.0


@dataclass(frozen=True)
class Number:
    """A number that may be changed.

    `name` is such as "bat.capacity_kwh", "ev.stays[0].arrival_soc_percent" or, for the factor of a series,
    "scale:load.demand_kw"; `owner` is the device or the group of the problem. `value` is None for "no limit".
    """

    name: str
    owner: str
    value: float | bool | datetime | None
    may_be_empty: bool = False

    @property
    def field(self) -> str:
        """The name within its owner."""
        return self.name.removeprefix(SCALE).removeprefix(f"{self.owner}.")

    @property
    def scales(self) -> bool:
        """Whether it is the factor of a series."""
        return self.name.startswith(SCALE)


def numbers_of(problem: SiteProblem) -> list[Number]:
    """Return every number of the devices, prices, emissions, limits and goal; factors of series are 1."""
    owners = {device.name: device for device in problem.devices} | {name: getattr(problem, name) for name in GROUPS}
    return [number for owner, value in owners.items() for number in _of_fields(owner, owner, value)]


def changed(problem: SiteProblem, changes: Changes) -> SiteProblem:
    """Return the problem with the numbers of `changes`, by name; None means "no limit".

    Raises:
        ProblemError: names the number, its value and what is allowed; also for a name that the problem does not have.
    """
    known = {number.name: number for number in numbers_of(problem)}
    values: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        if name not in known:
            raise ProblemError(name, value, "a number of this scenario, such as " + ", ".join(list(known)[:3]))
        values.setdefault(known[name].owner, {})[name] = _checked(known[name], value)
    devices = tuple(_with(each.name, each, values.get(each.name, {})) for each in problem.devices)
    groups = {name: _with(name, getattr(problem, name), values[name]) for name in GROUPS if name in values}
    return replace(problem, devices=devices, **groups) if values else problem


def _checked(number: Number, value: Change) -> Any:
    if value is None:
        if number.may_be_empty:
            return None
        raise ProblemError(number.name, "empty", "a number")
    if isinstance(number.value, bool):
        if isinstance(value, bool):
            return value
        raise ProblemError(number.name, repr(value), "true or false")
    if isinstance(number.value, datetime):
        return _moment(number, value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ProblemError(number.name, repr(value), "a number")
    if number.scales and not 0 <= value <= LARGEST_FACTOR:
        raise ProblemError(number.name, value, f"0 to {LARGEST_FACTOR:g}")
    return value


def _moment(number: Number, value: Change) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 1 < found.year < 9999:
        raise ProblemError(number.name, repr(value), "a time with its offset, such as 2026-01-31T07:30:00+01:00")
    return found.astimezone(UTC)


def _of_fields(owner: str, prefix: str, value: Any) -> Iterator[Number]:
    hints = get_type_hints(type(value))
    for item in fields(value):
        if item.name not in FIXED:
            optional = NoneType in get_args(hints[item.name])
            yield from _of(owner, f"{prefix}.{item.name}", getattr(value, item.name), optional)


def _of(owner: str, name: str, value: Any, optional: bool = False) -> Iterator[Number]:
    if isinstance(value, np.ndarray):
        if value.ndim == 1:
            yield Number(f"{SCALE}{name}", owner, 1.0)
    elif is_dataclass(value):
        yield from _of_fields(owner, name, value)
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _of(owner, f"{name}[{index}]", each)
    elif value is None or isinstance(value, bool | int | float | datetime):
        unlimited = isinstance(value, float) and math.isinf(value)
        yield Number(name, owner, None if unlimited else value, may_be_empty=optional or unlimited)


def _with(name: str, value: Any, changes: Mapping[str, Any]) -> Any:
    """Return `value`, whose numbers begin with `name`, with the changes that concern it."""
    if f"{SCALE}{name}" in changes:
        return value * changes[f"{SCALE}{name}"]
    if name in changes:
        new = changes[name]
        return value if new is None and isinstance(value, float) and math.isinf(value) else new
    if not any(each.removeprefix(SCALE).startswith((f"{name}.", f"{name}[")) for each in changes):
        return value
    if isinstance(value, tuple):
        return tuple(_with(f"{name}[{index}]", each, changes) for index, each in enumerate(value))
    parts = {item.name: _with(f"{name}.{item.name}", getattr(value, item.name), changes) for item in fields(value)}
    return replace(value, **{key: part for key, part in parts.items() if part is not getattr(value, key)})
