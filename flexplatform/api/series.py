"""Series in requests and answers: `{start, step, values}`, and tables of series that share their steps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

Series: TypeAlias = npt.NDArray[np.float64]

MOST_IN_A_BATCH = 1000
NUMBERS = {"type": "array", "items": {"type": "number", "format": "double"}}


@dataclass(frozen=True, eq=False)
class SeriesTable:
    """Series of the same steps by name: what CSV holds; `step_seconds` is the length of a step."""

    start: datetime
    step_seconds: int
    columns: Mapping[str, Series]

    def moments(self) -> Iterator[datetime]:
        """Yield the start of each step, in UTC."""
        count = max((len(values) for values in self.columns.values()), default=0)
        first, step = self.start.astimezone(UTC), timedelta(seconds=self.step_seconds)
        return (first + index * step for index in range(count))

    def as_items(self) -> list[dict[str, Any]]:
        """Return one entry of a batch per column, with the column's name as `series`."""
        common = {"start": self.start, "step": self.step_seconds}
        return [{"series": name, **common, "values": values} for name, values in self.columns.items()]


class TableResponse(Response):
    """An answer that callers may also have as CSV: the table is rendered where they ask for it."""

    def __init__(self, data: Any, table: SeriesTable) -> None:
        super().__init__(data)
        self.table = table


@extend_schema_field(NUMBERS)
class NumbersField(serializers.Field[Series, Any, list[float], Any]):
    """A list of finite numbers as an array; 1,000 lists of a day are read in a blink."""

    def to_internal_value(self, data: Any) -> Series:
        """Return the array.

        Raises:
            ValidationError: names the first entry that is no number.
        """
        if isinstance(data, np.ndarray):
            return data.astype(np.float64)
        if not isinstance(data, list) or not data:
            raise ValidationError(f"{self.field_name} is {_short(data)}; allowed: a list of at least one number.")
        for index, value in enumerate(data):
            if type(value) not in (int, float):
                raise ValidationError(f"{self.field_name}[{index}] is {_short(value)}; allowed: a number.")
        try:
            return np.array(data, dtype=np.float64)
        except OverflowError as error:
            raise ValidationError(f"{self.field_name} holds a number that is too large.") from error

    def to_representation(self, value: Series) -> list[float]:
        """Return plain numbers."""
        return list(np.asarray(value, dtype=np.float64).tolist())


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class ReferenceField(serializers.Field[Any, Any, Any, Any]):
    """A row by its id (a number) or by its own name (a text)."""

    def to_internal_value(self, data: Any) -> int | str:
        """Return the id or the name."""
        if type(data) is int:
            return data
        if isinstance(data, str) and data.strip() and data.isprintable():
            return data
        raise ValidationError(f"{self.field_name} is {_short(data)}; allowed: an id, or a name.")

    def to_representation(self, value: Any) -> Any:
        """Return the id or the name."""
        return value


class SeriesSerializer(serializers.Serializer[Any]):
    """One value per step; a value belongs to the step that begins at its time."""

    start = serializers.DateTimeField(help_text="Start of the first step, with a time zone")
    step = serializers.IntegerField(min_value=1, max_value=3600, help_text="Length of a step in seconds")
    values = NumbersField(help_text="One number per step")


def series_body(start: datetime, step_seconds: int, values: "Iterable[float] | Series") -> dict[str, Any]:
    """Return a series as answers show it."""
    return {
        "start": start.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "step": step_seconds,
        "values": plain(values),
    }


def plain(values: "Iterable[float] | Series") -> list[float | None]:
    """Return plain numbers, and None where there is none."""
    array = np.asarray(values, dtype=np.float64)
    found: list[float | None] = array.tolist()
    for index in np.flatnonzero(~np.isfinite(array)):
        found[index] = None
    return found


def read_batch(
    data: Any, name: str, item: type[serializers.Serializer[Any]], most: int = MOST_IN_A_BATCH
) -> Sequence[dict[str, Any]]:
    """Return the checked entries of a batch: of `{name: [...]}` in JSON, or of the columns of a CSV table.

    Raises:
        ValidationError: names index and field of everything that is wrong, such as `deliveries[17].values`.
    """
    entries = data.as_items() if isinstance(data, SeriesTable) else data.get(name) if isinstance(data, dict) else None
    if isinstance(data, dict) and (unknown := sorted(set(data) - {name})):
        raise ValidationError(dict.fromkeys(unknown, f"No field here; allowed: {name}."))
    if not isinstance(entries, list) or not entries:
        raise ValidationError({name: f"{name} is {_short(entries)}; allowed: a list of 1 to {most} objects."})
    if len(entries) > most:
        raise ValidationError({name: f"{name} has {len(entries)} entries; allowed: 1 to {most}."})
    allowed = item().fields
    for index, entry in enumerate(entries):
        if isinstance(entry, dict) and (wrong := sorted(set(entry) - set(allowed))):
            message = f"No field here; allowed: {', '.join(allowed)}."
            raise ValidationError({f"{name}[{index}].{field}": message for field in wrong})
    serializer = item(data=entries, many=True)
    if not serializer.is_valid():
        raise ValidationError({name: serializer.errors})
    return list(serializer.validated_data)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
