"""Devices in the API: a list over all kinds, and one resource per kind, made from the kind's own table."""

from typing import Any, ClassVar, cast

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from assets import services
from assets.api.needs import row_needs
from assets.models import KINDS, Asset, Portfolio, Site
from assets.tables import PARTS, editable_fields
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import Filter, row, same
from flexplatform.api.rows import RowViewSet
from flexplatform.api.schema import Example
from flexplatform.api.serializers import RowSerializer, part_serializer, row_serializer

FILTERS: dict[str, Filter] = {"site": row("site", Site), "portfolio": row("site__portfolio", Portfolio)}
SAMPLE_NUMBER = 5.0
# Of columns that have no default and are no plain number.
SAMPLES: dict[str, Any] = {
    "profile_kw": [2.0, 2.0, 0.5],
    "fuel_curve": [[0.0, 0.3], [5.0, 1.6]],
    "standard_profile": "h0",
    "hot_water_share": 0.15,
    "stays": [
        {
            "weekday": None,
            "arrival": "18:00:00",
            "departure": "07:00:00",
            "arrival_soc_percent": 40.0,
            "departure_soc_percent": 80.0,
            "trip_energy_kwh": None,
        }
    ],
}


class AssetSerializer(serializers.ModelSerializer[Asset]):
    """A device of any kind, and where its own resource is."""

    site = serializers.IntegerField(source="site_id")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Asset
        fields = ["id", "kind", "site", "name", "url"]
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, asset: Asset) -> str:
        """Return the address of the device in the resource of its kind."""
        return reverse(f"api:assets-{asset.kind}-detail", args=[asset.pk], request=self.context["request"])


class AssetViewSet(TenantViewSet):
    """Devices of every kind."""

    serializer_class = AssetSerializer
    needs = {"list": permissions.VIEW_ASSETS}
    filters = {**FILTERS, "kind": same("kind", KINDS)}
    orderings = ("name", "kind")
    examples = {
        "list": Example(
            answer={
                "id": 1,
                "kind": "battery",
                "site": 1,
                "name": "battery",
                "url": "https://flex.example/api/v1/assets/battery/1/",
            }
        )
    }

    def get_queryset(self) -> models.QuerySet[Asset]:
        """Return the organization's devices."""
        return Asset.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of devices; each has its columns at its `url`."""
        return self.page(self.get_queryset())


class DeviceViewSet(RowViewSet):
    """Devices of one kind."""

    model: ClassVar[type[Asset]]
    needs = row_needs(permissions.VIEW_ASSETS, permissions.CHANGE_ASSETS)
    filters = {**FILTERS, "name": same("name")}
    orderings = ("name",)

    def get_queryset(self) -> models.QuerySet[Any]:
        """Return the organization's devices of the kind, with their parts."""
        parts = PARTS.get(self.model)
        rows = super().get_queryset()
        return rows.prefetch_related(parts.name) if parts else rows

    def make(self, values: dict[str, Any]) -> Asset:
        """Store a device."""
        site = cast("Site", self.own_row("site", values.pop("site"), Site.objects.all()))
        return services.create_asset(site=site, kind=self.model.KIND, values=values)

    def change(self, row: Asset, values: dict[str, Any]) -> Asset:
        """Change a device."""
        return services.update_asset(asset=row, values=values)

    def remove(self, row: Asset) -> None:
        """Remove a device."""
        services.delete_asset(asset=row)


def device_viewset(model: type[Asset]) -> type[DeviceViewSet]:
    """Return the resource of one kind of device."""
    members = {
        "__doc__": f"{model.LABEL}: {model.__doc__}",
        "model": model,
        "serializer_class": _serializer(model),
        "sample": sample_of(model),
    }
    return type(f"{model.__name__}ViewSet", (DeviceViewSet,), members)


def sample_of(model: type[Asset]) -> dict[str, Any]:
    """Return the values of a typical device of the kind: its columns' defaults, and a number where there is none."""
    found = {name: _sample(name, column) for name, column in editable_fields(model).items()}
    parts = PARTS.get(model)
    return {**found, "site": 1, "name": model.KIND, **({parts.name: SAMPLES[parts.name]} if parts else {})}


def _serializer(model: type[Asset]) -> type[RowSerializer]:
    parts = PARTS.get(model)
    if parts is None:
        return row_serializer(model, editable_fields(model))
    columns = [name for name in editable_fields(parts.model) if name != parts.owner]
    return row_serializer(model, editable_fields(model), parts={parts.name: part_serializer(parts.model, columns)})


def _sample(name: str, column: "models.Field[Any, Any]") -> Any:
    if name in SAMPLES:
        return SAMPLES[name]
    if column.has_default():
        return column.get_default()
    return None if column.null else SAMPLE_NUMBER
