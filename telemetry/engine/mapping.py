"""Messages of devices that do not speak the native format: which of their values are readings of what.

A mapping has a topic filter with named wildcards (`tele/{device}/SENSOR`; `+` for a level without a name, `#` for all
that follows) and rules; each takes one value of the payload. Topics here are the device's own, without the prefix
that they are published below.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

import msgspec

from telemetry.engine.native import EPOCH, LARGEST_NUMBER, LARGEST_PAYLOAD, MICROSECOND, wrong_time
from telemetry.engine.paths import ABSENT, Path, read_path, value_at
from telemetry.engine.topics import STATUS
from telemetry.quantities import QUANTITIES, Quantity

CONSUMPTION, PRODUCTION = "consumption", "production"
LONGEST_TOPIC = 200
WILDCARD = re.compile(r"\{([a-z][a-z0-9_]{0,29})\}")
# Seconds since 1970 have ten digits until 2286; more are milliseconds.
MOST_SECONDS = 10_000_000_000
# What a device's last will says, and the message by which it comes back.
ONLINE = Quantity(name=STATUS, meaning="Whether the device is connected", units={"1": 1.0})
STATES = {"online": 1.0, "true": 1.0, "1": 1.0, "offline": 0.0, "false": 0.0, "0": 0.0}
MEANINGS: Mapping[str, Quantity] = {**QUANTITIES, STATUS: ONLINE}
TIMES = "ISO 8601, or seconds or milliseconds since 1970"


class MappingProblem(ValueError):  # noqa: N818
    """A mapping that cannot be: the field that is wrong, and why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class TopicFilter:
    """A compiled topic filter."""

    text: str
    pattern: re.Pattern[str]

    def match(self, topic: str) -> Mapping[str, str] | None:
        """Return what stands at the named wildcards; None where the topic is another."""
        found = self.pattern.fullmatch(topic)
        return None if found is None else found.groupdict()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One value of a payload as a reading.

    `quantity` may be `status` too: whether the device is connected. `asset` names the device, with named wildcards of
    the topic filter in it; empty means what the credential is for. `path` empty means that the payload is the value
    itself. `unit` is the quantity's own where it is empty, and `sign` says what values above zero are.
    """

    quantity: str
    asset: str = ""
    path: str = ""
    unit: str = ""
    sign: str = CONSUMPTION


@dataclass(frozen=True, kw_only=True)
class MappingSpec:
    """What a person writes down: `time_path` empty means that a value counts from its receipt."""

    name: str
    topic: str
    rules: Sequence[Rule]
    time_path: str = ""


class Outcome(StrEnum):
    """What a rule makes of a message."""

    VALUE = "value"
    NOTHING = "nothing"
    REFUSED = "refused"


@dataclass(frozen=True)
class Result:
    """A value with its time in microseconds since 1970, or the reason why there is none."""

    outcome: Outcome
    reason: str = ""
    moment_us: int = 0
    value: float = 0.0


@dataclass(frozen=True)
class CompiledRule:
    """A rule that was checked."""

    rule: Rule
    path: Path
    quantity: Quantity
    factor: float

    @property
    def tells_status(self) -> bool:
        """Whether the value is no reading, but says that the device is connected (1) or not (0)."""
        return self.quantity is ONLINE

    def asset(self, names: Mapping[str, str]) -> str:
        """Return the name of the device, with what stands at the topic's wildcards."""
        return WILDCARD.sub(lambda found: names[found[1]], self.rule.asset)


@dataclass(frozen=True)
class CompiledMapping:
    """A mapping that was checked."""

    topic: TopicFilter
    time_path: Path
    rules: tuple[CompiledRule, ...]
    _decoder: Any = field(default_factory=msgspec.json.Decoder, compare=False)

    def read(self, payload: bytes, now_us: int, zone: tzinfo) -> list[Result]:
        """Return what each rule makes of a payload; times without a zone are of `zone`."""
        document = self._document(payload)
        if isinstance(document, Result):
            return [document] * len(self.rules)
        moment = self._moment(document, now_us, zone)
        return [_result(each, document, moment) for each in self.rules]

    def _document(self, payload: bytes) -> Any:
        if not payload:
            return Result(Outcome.NOTHING, "The payload is empty.")
        if len(payload) > LARGEST_PAYLOAD:
            return _refused(f"The payload has {len(payload)} bytes; allowed: {LARGEST_PAYLOAD}.")
        try:
            return self._decoder.decode(payload)
        except RecursionError:
            return _refused("The payload is nested too deeply.")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            # Words such as `on` are no JSON; they are refused as values, where a rule takes the payload itself.
            if any(each.path for each in self.rules) or self.time_path:
                return _refused(f"The payload is no JSON: {error}.")
            return payload.decode(errors="replace").strip()

    def _moment(self, document: Any, now_us: int, zone: tzinfo) -> int | str:
        """Return the time of the values, or what is wrong with it."""
        if not self.time_path:
            return now_us
        given = value_at(document, self.time_path)
        moment_us = _microseconds(given, now_us, zone)
        if moment_us is None:
            shown = "missing" if given is ABSENT else repr(given)[:40]
            return f"The time is {shown}; allowed: {TIMES}."
        return wrong_time(moment_us, now_us) or moment_us


def compiled(spec: MappingSpec) -> CompiledMapping:
    """Return a mapping that can be used.

    Raises:
        MappingProblem: names the field; of a rule as `rules[i].<field>`.
    """
    topic = topic_filter(spec.topic)
    try:
        time_path = read_path(spec.time_path)
    except ValueError as error:
        raise MappingProblem("time_path", f"In time_path {error}") from error
    rules = []
    for index, rule in enumerate(spec.rules):
        try:
            rules.append(compiled_rule(rule, topic))
        except MappingProblem as problem:
            raise MappingProblem(f"rules[{index}].{problem.field}", str(problem)) from problem
    return CompiledMapping(topic, time_path, tuple(rules))


def topic_filter(text: str) -> TopicFilter:
    """Return a compiled topic filter.

    Raises:
        MappingProblem: for what is none.
    """
    levels = text.split("/")
    names = [name for level in levels for name in WILDCARD.findall(level)]
    if not text or len(text) > LONGEST_TOPIC or len(set(names)) < len(names) or "\0" in text:
        raise MappingProblem("topic", f"topic is {text[:80]!r}; allowed: a topic in which each name stands once.")
    pattern = "/".join(_level(level, last=index == len(levels) - 1) for index, level in enumerate(levels))
    return TopicFilter(text, re.compile(pattern, re.DOTALL))


def compiled_rule(rule: Rule, topic: TopicFilter) -> CompiledRule:
    """Return a rule that can be used.

    Raises:
        MappingProblem: names the field.
    """
    quantity = MEANINGS.get(rule.quantity)
    if quantity is None:
        raise MappingProblem("quantity", f"quantity is {rule.quantity!r}; allowed: {', '.join(MEANINGS)}.")
    if rule.unit and rule.unit not in quantity.units:
        allowed = ", ".join(quantity.units)
        raise MappingProblem("unit", f"unit is {rule.unit!r}; allowed for {quantity.name}: {allowed}.")
    if rule.sign not in (CONSUMPTION, PRODUCTION) or (rule.sign == PRODUCTION and not quantity.directed):
        allowed = f"{CONSUMPTION}, {PRODUCTION}" if quantity.directed else CONSUMPTION
        raise MappingProblem("sign", f"sign is {rule.sign}; allowed for {quantity.name}: {allowed}.")
    unknown = set(WILDCARD.findall(rule.asset)) - set(topic.pattern.groupindex)
    if unknown:
        raise MappingProblem("asset", f"{{{min(unknown)}}} does not stand in the topic {topic.text}.")
    try:
        path = read_path(rule.path)
    except ValueError as error:
        raise MappingProblem("path", f"In path {error}") from error
    factor = quantity.units[rule.unit] if rule.unit else 1.0
    return CompiledRule(rule, path, quantity, -factor if rule.sign == PRODUCTION else factor)


def _level(level: str, *, last: bool) -> str:
    if level == "+":
        return "[^/]*"
    if level == "#" and last:
        return ".*"
    named = WILDCARD.fullmatch(level)
    if named is not None:
        return f"(?P<{named[1]}>[^/]+)"
    if any(sign in level for sign in "+#{}"):
        raise MappingProblem(
            "topic", f"The level {level[:40]!r} is none; allowed: a name, {{name}}, +, and # at the end."
        )
    return re.escape(level)


def _result(rule: CompiledRule, document: Any, moment: int | str) -> Result:
    given = value_at(document, rule.path)
    if given is ABSENT:
        return Result(Outcome.NOTHING, f"Nothing stands at {rule.rule.path}.")
    if given is None:
        return Result(Outcome.NOTHING, "The value is null.")
    number = STATES.get(str(given).strip().lower()) if rule.tells_status else _number(given, rule.quantity)
    if number is None:
        allowed = ", ".join(STATES) if rule.tells_status else "a finite number"
        return _refused(f"The value is {_shown(given)}; allowed: {allowed}.")
    value = number * rule.factor + 0.0
    if abs(value) > LARGEST_NUMBER or not rule.quantity.lowest <= value <= rule.quantity.highest:
        return _refused(
            f"The value is {number:g}; allowed for {rule.quantity.name}: {rule.quantity.allowed(rule.factor)}."
        )
    if isinstance(moment, str):
        return _refused(moment)
    return Result(Outcome.VALUE, "", moment, value)


def _number(given: Any, quantity: Quantity) -> float | None:
    """Return a number, also one in a text; true and false where the quantity is a share."""
    if isinstance(given, bool) or given in ("true", "false"):
        return float(given in (True, "true")) if quantity.unit == "1" else None
    if isinstance(given, str):
        try:
            given = float(given) if given.isascii() and "_" not in given else None
        except ValueError:
            return None
    if not isinstance(given, int | float) or not abs(given) <= LARGEST_NUMBER:
        return None
    return float(given)


def _microseconds(given: Any, now_us: int, zone: tzinfo) -> int | None:
    if isinstance(given, int | float) and not isinstance(given, bool):
        if not 0 <= given < MOST_SECONDS * 1000:
            return None
        return round(given * 1_000_000) if given < MOST_SECONDS else round(given * 1000)
    if not isinstance(given, str):
        return None
    try:
        found = datetime.fromisoformat(given)
        if found.tzinfo is not None:
            return (found - EPOCH) // MICROSECOND
        # Of the hour that the clock shows twice the one that is nearer to the receipt.
        both = [(found.replace(tzinfo=zone, fold=fold) - EPOCH) // MICROSECOND for fold in (0, 1)]
    except (ValueError, OverflowError):
        return None
    return min(both, key=lambda moment_us: abs(moment_us - now_us))


def _refused(reason: str) -> Result:
    return Result(Outcome.REFUSED, reason)


def _shown(given: Any) -> str:
    return repr(given if isinstance(given, str | bool) else type(given).__name__)[:60]
