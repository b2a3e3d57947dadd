"""Why an order is refused: the validation list of USEF (Shapeshifter), with what was wrong and what is allowed.

Source: Shapeshifter specification 3.1.0, `docs/use-case-descriptions/message-validation.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The reasons of the list that an order can meet."""

    UNKNOWN_REFERENCE = "Unknown reference"
    EXPIRED_REFERENCE = "Reference expired"
    REVOKED_REFERENCE = "Reference revoked"
    ALREADY_SUBMITTED = "Already Submitted"
    DUPLICATE_IDENTIFIER = "Duplicate Identifier"
    FLEXIBILITY_PROCURED = "Flexibility procured"
    ISP_DURATION = "ISP duration rejected"
    TIME_ZONE = "TimeZone rejected"
    ISP_OUT_OF_BOUNDS = "ISPs out of bounds"
    ISP_CONFLICT = "ISP conflict"
    ISP_MISMATCH = "ISP mismatch"
    POWER_MISMATCH = "Power mismatch"
    POWER_VALUE = "Power value rejected"
    PRICE_MISMATCH = "Price mismatch"
    PERIOD_MISMATCH = "Reference Period mismatch"
    GATE_CLOSED = "Period out of bounds"
    NO_BASELINE = "No baseline"


@dataclass(frozen=True)
class Refusal:
    """One thing that is wrong with an order: the reason by name, the field, its value, and what is allowed."""

    reason: Reason
    field: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.field} is {self.value}; allowed: {self.allowed}."


class OrderRefused(ValueError):  # noqa: N818
    """An order that is not taken; nothing has changed."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = list(refusals)
        super().__init__(" ".join(str(each) for each in self.refusals))
