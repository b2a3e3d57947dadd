"""Tariffs in the API, which site has which one when, and what they come to on a market day."""

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from assets import services
from assets.api.days import DAY_PARAMETERS, PRICES, read_day_request
from assets.api.needs import row_needs
from assets.engine.errors import TariffError
from assets.models import PriceSeries, Site, SiteTariff, Tariff, TariffPeriod
from assets.tables import editable_fields
from assets.tariffs import tariff_parts
from flexplatform.accounts import permissions
from flexplatform.api.filters import row, same
from flexplatform.api.rows import RowViewSet
from flexplatform.api.schema import Example
from flexplatform.api.serializers import part_serializer, row_serializer
from flexplatform.api.series import Series, SeriesSerializer, TableResponse

PRICE = "price_per_kwh"
PeriodSerializer = part_serializer(TariffPeriod, [name for name in editable_fields(TariffPeriod) if name != "tariff"])
TariffSerializer = row_serializer(Tariff, editable_fields(Tariff), parts={"periods": PeriodSerializer})
SiteTariffSerializer = row_serializer(SiteTariff, editable_fields(SiteTariff))
ASSIGNMENT = {"site": 1, "tariff": 1, "valid_from": "2026-01-01"}


class SwitchSerializer(serializers.Serializer[Any]):
    """A tariff that follows the one that a site has."""

    site = serializers.IntegerField(help_text="Id of the site")
    tariff = serializers.IntegerField(help_text="Id of the tariff")
    valid_from = serializers.DateField(help_text="First local day")


class TariffPricesSerializer(SeriesSerializer):
    """The price of a tariff per step, and what each of its parts adds."""

    currency = serializers.CharField()
    parts = serializers.DictField(child=serializers.ListField(child=serializers.FloatField()))


class TariffViewSet(RowViewSet):
    """The price of one commodity: energy, grid fee, taxes and levies, and VAT on them."""

    model = Tariff
    serializer_class = TariffSerializer
    needs = row_needs(permissions.VIEW_TARIFFS, permissions.CHANGE_TARIFFS, prices=permissions.VIEW_TARIFFS)
    filters = {
        "name": same("name"),
        "commodity": same("commodity", Tariff.Commodity.values),
        "form": same("form", Tariff.Form.values),
        "price_series": row("price_series", PriceSeries),
    }
    orderings = ("name", "valid_from")
    csv_answers = frozenset({"prices"})
    sample = {
        "name": "Day and night",
        "commodity": "import",
        "currency": "EUR",
        "valid_from": "2026-01-01",
        "valid_to": None,
        "form": "time_of_use",
        "energy_price_per_kwh": 0.0,
        "price_series": None,
        "grid_fee_per_kwh": 0.095,
        "taxes_per_kwh": 0.0205,
        "levies_per_kwh": 0.0282,
        "vat_percent": 19.0,
        "capacity_price_per_kw": 0.0,
        "periods": [
            {"part": "energy", "weekdays": "0123456", "start": "06:00:00", "end": "22:00:00", PRICE: 0.14},
            {"part": "energy", "weekdays": "0123456", "start": "22:00:00", "end": "06:00:00", PRICE: 0.09},
        ],
    }
    examples = {
        "prices": Example(
            answer={**PRICES, "currency": "EUR", "parts": {"energy": [0.11, 0.107], "grid_fee": [0.1921, 0.1917]}},
            answer_csv="time,price,energy,grid_fee\n2026-11-21T23:00:00Z,0.3021,0.11,0.1921\n",
        )
    }

    def get_queryset(self) -> QuerySet[Any]:
        """Return the organization's tariffs with their periods."""
        return super().get_queryset().prefetch_related("periods")

    def make(self, values: dict[str, Any]) -> Tariff:
        """Store a tariff."""
        return services.create_tariff(organization=self.organization, values=values)

    def change(self, row: Tariff, values: dict[str, Any]) -> Tariff:
        """Change a tariff."""
        return services.update_tariff(tariff=row, values=values)

    def remove(self, row: Tariff) -> None:
        """Delete a tariff that no site has."""
        services.delete_tariff(tariff=row)

    @extend_schema(
        parameters=[
            *DAY_PARAMETERS,
            OpenApiParameter("site", int, description="Whose local day it is; without it the organization's"),
        ],
        responses=TariffPricesSerializer,
    )
    @action(detail=True, methods=["get"])
    def prices(self, request: Request, pk: int) -> Response:
        """Answer the price of the tariff in each step of a local day, and what each of its parts adds."""
        tariff: Tariff = self.get_object()
        zone = ZoneInfo(self.organization.time_zone)
        if "site" in request.query_params:
            site: Any = self.own_row("site", request.query_params["site"], Site.objects.all())
            zone = site.zone
        asked = read_day_request(request, zone, "site")
        try:
            parts = tariff_parts(tariff, asked.starts, asked.step, zone, asked.known_at)
        except TariffError as error:
            raise ValidationError({error.field: str(error)}) from error
        price: Series = np.sum(list(parts.values()), axis=0)
        body = {
            **asked.series(price),
            "currency": tariff.currency,
            "parts": {name: values.tolist() for name, values in parts.items()},
        }
        return TableResponse(body, asked.table({"price": price, **parts}))


class SiteTariffViewSet(RowViewSet):
    """Which site has which tariff from one local day to another; at most one per commodity at a time."""

    model = SiteTariff
    serializer_class = SiteTariffSerializer
    needs = {
        **dict.fromkeys(("list", "retrieve"), permissions.VIEW_TARIFFS),
        **dict.fromkeys(("create", "switch", "destroy"), permissions.CHANGE_TARIFFS),
    }
    filters = {
        "site": row("site", Site),
        "tariff": row("tariff", Tariff),
        "commodity": same("tariff__commodity", Tariff.Commodity.values),
    }
    orderings = ("valid_from",)
    keyed = frozenset({"create", "switch"})
    sample = {**ASSIGNMENT, "valid_to": None}
    examples = {"switch": Example(request=ASSIGNMENT, answer={"id": 2, **ASSIGNMENT, "valid_to": None})}

    def make(self, values: dict[str, Any]) -> SiteTariff:
        """Give a site a tariff."""
        return services.assign_tariff(
            **self._named(values), valid_from=values["valid_from"], valid_to=values.get("valid_to")
        )

    def remove(self, row: SiteTariff) -> None:
        """Take a tariff from a site, as if it had never had it."""
        services.unassign_tariff(assignment=row)

    @extend_schema(request=SwitchSerializer, responses={201: SiteTariffSerializer})
    @action(detail=False, methods=["post"])
    def switch(self, request: Request) -> Response:
        """Give a site a tariff from a local day on; the one that it has then ends on the day before."""
        form = SwitchSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        made = services.switch_tariff(**self._named(values), valid_from=values["valid_from"])
        return self.answer(made, status.HTTP_201_CREATED)

    def _named(self, values: dict[str, Any]) -> dict[str, Any]:
        rows: dict[str, QuerySet[Any]] = {"site": Site.objects.all(), "tariff": Tariff.objects.all()}
        return {name: self.own_row(name, values[name], found) for name, found in rows.items()}
