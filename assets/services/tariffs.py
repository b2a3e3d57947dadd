"""Writes of tariffs, and of which site has which one when."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

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


@transaction.atomic
def switch_tariff(*, site: Site, tariff: Tariff, valid_from: date) -> SiteTariff:
    """Give a site a tariff from a local day on; the one that it has then ends on the day before.

    Raises:
        ValidationError: where a later tariff for the same commodity is already known.
    """
    held = SiteTariff.objects.filter(site=site, tariff__commodity=tariff.commodity, valid_from__lt=valid_from)
    for each in held.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=valid_from)):
        rows.update(each, {"valid_to": valid_from - timedelta(days=1)}, site.organization)
    return assign_tariff(site=site, tariff=tariff, valid_from=valid_from)


def unassign_tariff(*, assignment: SiteTariff) -> None:
    """Take a tariff from a site, as if it had never had it."""
    rows.delete(assignment, assignment.site.organization)


def check_periods(tariff: Tariff, periods: Iterable[TariffPeriod] | None = None) -> None:
    """Refuse periods that make no price for every hour of the week, or that the tariff's form has no use for.

    Without `periods`, those that are stored.

    Raises:
        ValidationError: names the first hour.
    """
    found = list(TariffPeriod.objects.filter(tariff=tariff) if periods is None else periods)
    parts = {period.part for period in found}
    if TariffPeriod.Part.ENERGY in parts and tariff.form != Tariff.Form.TIME_OF_USE:
        raise ValidationError({"periods": f"form is {tariff.form}; allowed with energy periods: time_of_use."})
    if TariffPeriod.Part.GRID_FEE in parts and tariff.grid_fee_per_kwh:
        fee = tariff.grid_fee_per_kwh
        raise ValidationError({"grid_fee_per_kwh": f"{fee} and periods of the grid fee; allowed: 0, or no periods."})
    try:
        components_of(tariff, {}, found)
    except TariffError as error:
        raise ValidationError({"periods": str(error)}) from error
