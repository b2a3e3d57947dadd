"""Writes of tariffs, and of which site has which one when."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction

from assets.engine.errors import TariffError
from assets.models import Site, SiteTariff, Tariff, TariffPeriod
from assets.services import rows
from assets.services.rows import Values
from assets.tariffs import components_of
from flexplatform.accounts.models import Organization


@transaction.atomic
def create_tariff(*, organization: Organization, values: Values) -> Tariff:
    """Make a tariff; `values` may hold its `periods` as a list.

    Raises:
        ValidationError: by field; also where its periods leave an hour of the week without a price, or with two.
    """
    tariff = rows.create(Tariff(organization=organization), values, organization)
    check_periods(tariff)
    return tariff


@transaction.atomic
def update_tariff(*, tariff: Tariff, values: Values) -> Tariff:
    """Change a tariff; its `periods` are replaced as a whole where `values` has them.

    Raises:
        ValidationError: as `create_tariff`.
    """
    changed = rows.update(tariff, values, tariff.organization)
    check_periods(changed)
    return changed


def delete_tariff(*, tariff: Tariff) -> None:
    """Delete a tariff that no site has.

    Raises:
        ValidationError: names sites that still have it.
    """
    rows.delete(tariff, tariff.organization)


def assign_tariff(*, site: Site, tariff: Tariff, valid_from: date, valid_to: date | None = None) -> SiteTariff:
    """Give a site a tariff from one local day to another.

    Raises:
        ValidationError: where it has another one for the same commodity at that time, or the tariff is foreign.
    """
    values = {"site": site, "tariff": tariff, "valid_from": valid_from, "valid_to": valid_to}
    return rows.create(SiteTariff(site=site), values, site.organization)


def unassign_tariff(*, assignment: SiteTariff) -> None:
    """Take a tariff from a site, as if it had never had it."""
    rows.delete(assignment, assignment.site.organization)


def check_periods(tariff: Tariff) -> None:
    """Refuse periods that make no price for every hour of the week, or that the tariff's form has no use for.

    Raises:
        ValidationError: names the first hour.
    """
    stored = TariffPeriod.objects.filter(tariff=tariff)
    parts = set(stored.values_list("part", flat=True))
    if TariffPeriod.Part.ENERGY in parts and tariff.form != Tariff.Form.TIME_OF_USE:
        raise ValidationError({"periods": f"form is {tariff.form}; allowed with energy periods: time_of_use."})
    if TariffPeriod.Part.GRID_FEE in parts and tariff.grid_fee_per_kwh:
        fee = tariff.grid_fee_per_kwh
        raise ValidationError({"grid_fee_per_kwh": f"{fee} and periods of the grid fee; allowed: 0, or no periods."})
    try:
        components_of(Tariff.objects.get(pk=tariff.pk), {})
    except TariffError as error:
        raise ValidationError({"periods": str(error)}) from error
