"""Rows as the API shows and takes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from rest_framework import serializers


class RowSerializer(serializers.ModelSerializer[Any]):
    """A row with its own columns; references are ids, and names that are no field are refused.

    It checks the form of the values only: what a value may be is checked by the service that writes it.
    """

    def build_relational_field(
        self, field_name: str, relation_info: Any
    ) -> tuple[type[serializers.Field[Any, Any, Any, Any]], dict[str, Any]]:
        """Return the id of the row that is referred to."""
        optional = relation_info.model_field.null or relation_info.model_field.has_default()
        options = {"source": f"{field_name}_id", "allow_null": relation_info.model_field.null, "required": not optional}
        return serializers.IntegerField, options

    def get_validators(self) -> list[Any]:
        """Return none: uniqueness belongs to the services."""
        return []

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the values by the name of their column.

        Raises:
            ValidationError: by field.
        """
        writable = {name for name, field in self.fields.items() if not field.read_only}
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            allowed = ", ".join(sorted(writable))
            raise serializers.ValidationError(dict.fromkeys(unknown, f"No field here; allowed: {allowed}."))
        return dict(super().to_internal_value(data))

    @property
    def values(self) -> dict[str, Any]:
        """The checked values as the services take them."""
        by_source = {str(field.source): name for name, field in self.fields.items()}
        return {by_source.get(name, name): value for name, value in self.validated_data.items()}


def row_serializer(
    model: type[models.Model],
    names: Iterable[str],
    *,
    optional: Iterable[str] = (),
    parts: Mapping[str, type[RowSerializer]] | None = None,
) -> type[RowSerializer]:
    """Return the serializer of a table's columns `names`; `id` comes first and is never written.

    `optional` names columns that a service fills where a new row has none; `parts` are lists of rows that belong to
    the row, by the name of their relation.
    """
    extra = {name: {"required": False} for name in optional}
    nested = {name: each(many=True, required=False) for name, each in (parts or {}).items()}
    columns = {"model": model, "fields": ["id", *names, *nested], "read_only_fields": ["id"], "extra_kwargs": extra}
    meta = type("Meta", (), columns)
    return type(f"{model.__name__}Serializer", (RowSerializer,), {"Meta": meta, "__doc__": model.__doc__, **nested})


def part_serializer(model: type[models.Model], names: Iterable[str]) -> type[RowSerializer]:
    """Return the serializer of rows that are written with the row that they belong to; they show no id."""
    meta = type("Meta", (), {"model": model, "fields": list(names)})
    return type(f"{model.__name__}Serializer", (RowSerializer,), {"Meta": meta, "__doc__": model.__doc__})
