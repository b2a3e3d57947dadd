"""What can be written of each table: its columns, and the rows that belong to a row."""

from dataclasses import dataclass
from typing import Any

from django.db import models

from assets.models import Checked, ElectricVehicle, EvStay, Tariff, TariffPeriod

FIXED = frozenset({"organization", "kind"})


@dataclass(frozen=True)
class Parts:
    """Rows that belong to another one and are written with it, as a whole list: `name` is also the related name."""

    name: str
    model: type[Checked]
    owner: str


PARTS: dict[type[Checked], Parts] = {
    ElectricVehicle: Parts("stays", EvStay, "vehicle"),
    Tariff: Parts("periods", TariffPeriod, "tariff"),
}


def editable_fields(model: type[Checked]) -> dict[str, "models.Field[Any, Any]"]:
    """Return the columns that values may name, by name."""
    return {
        field.name: field
        for field in model._meta.concrete_fields
        if field.editable and not field.primary_key and field.name not in FIXED
    }
