"""What every device kind brings: its data, its part of the model, its physics, its behaviour without control."""

from abc import ABC
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

import numpy as np

from optimization.engine.errors import ProblemError
from optimization.engine.horizon import Horizon
from optimization.engine.series import fit_to


@dataclass(frozen=True, kw_only=True, eq=False)
class Device(ABC):
    """A device of a site. `name` is unique within the site."""

    kind: ClassVar[str]

    name: str

    def __post_init__(self) -> None:
        if not self.name:
            raise ProblemError("device.name", repr(self.name), "a name")

    def field(self, name: str) -> str:
        """Return the name of a field as error messages show it."""
        return f"{self.name}.{name}"

    def keep(self, name: str, value: object) -> None:
        """Set a normalised value while the frozen record is being made."""
        object.__setattr__(self, name, value)

    def fitted(self, horizon: Horizon) -> Self:
        """Return this device with one value per step of `horizon` in each of its series.

        Raises:
            ProblemError: for a series of another length.
        """
        series = {
            field.name: fit_to(value, horizon.count, self.field(field.name))
            for field in fields(self)
            if field.name not in self.own_length and isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **series)

    own_length: ClassVar[frozenset[str]] = frozenset()
