"""Admin pages of tariffs and price series."""

from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from assets.configuration.base import ConfiguredAdmin, PartInline
from assets.configuration.price_entry import PriceEntryAdmin
from assets.models import TariffPeriod
from assets.services.sites import described
from assets.services.tariffs import check_periods
from flexplatform.accounts.admin_access import OrganizationFilter, TenantAdmin


class PeriodFormSet(BaseInlineFormSet):
    """The periods of a tariff, which together price every hour of the week once."""

    def clean(self) -> None:
        """Refuse an hour without a price, or with two."""
        super().clean()
        if any(form.errors for form in self.forms) or self.instance.organization_id is None:
            return
        kept = [form for form in self.forms if form.has_changed() or form.instance.pk]
        kept = [form for form in kept if not (self.can_delete and self._should_delete_form(form))]  # type: ignore[attr-defined]
        try:
            check_periods(self.instance, [form.instance for form in kept])
        except ValidationError as error:
            raise ValidationError(described(error)) from error


class PeriodInline(PartInline):
    """Prices of a tariff by weekday and hour."""

    model = TariffPeriod
    formset = PeriodFormSet


class TariffAdmin(ConfiguredAdmin):
    """What a kWh costs."""

    list_display = ("name", "commodity", "form", "energy_price_per_kwh", "currency", "valid_from", "valid_to")
    list_filter = (OrganizationFilter, "commodity", "form", "currency")
    search_fields = ("name",)
    autocomplete_fields = ("price_series",)
    inlines = (PeriodInline,)
    fieldsets = (
        (None, {"fields": ("organization", "name", "commodity", "currency", "valid_from", "valid_to")}),
        ("Energy, per kWh (fuel: per litre)", {"fields": ("form", "energy_price_per_kwh", "price_series")}),
        ("On top, per kWh", {"fields": ("grid_fee_per_kwh", "taxes_per_kwh", "levies_per_kwh", "vat_percent")}),
        ("Capacity", {"fields": ("capacity_price_per_kw",)}),
    )


class PriceSeriesAdmin(PriceEntryAdmin):
    """Series of spot prices; their values come through the API, or are pasted day by day."""

    list_display = ("name", "currency", "source")
    search_fields = ("name", "source")


class PriceValuesAdmin(TenantAdmin):
    """Deliveries of prices, to be looked at."""

    organization_path = "series__organization"
    list_display = ("series", "start", "end", "step_seconds", "source", "received_at")
    list_filter = (OrganizationFilter, "series")
    list_select_related = ("series__organization",)
    date_hierarchy = "start"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: prices are received."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what was received stays as it was known."""
        return False

    has_delete_permission = has_change_permission
