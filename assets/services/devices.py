"""Writes of devices of every kind."""

from django.core.exceptions import ValidationError
from django.db import transaction

from assets.models import KINDS, Asset, Site
from assets.services import rows
from assets.services.rows import Values


def create_asset(*, site: Site, kind: str, values: Values) -> Asset:
    """Add a device to a site; a vehicle's `values` may hold its `stays` as a list.

    Raises:
        ValidationError: by field.
    """
    if kind not in KINDS:
        raise ValidationError({"kind": f"kind is {kind!r}; allowed: {', '.join(KINDS)}."})
    return rows.create(KINDS[kind](site=site), {"site": site, **values}, site.organization)


def update_asset(*, asset: Asset, values: Values) -> Asset:
    """Change a device; a vehicle's `stays` are replaced as a whole where `values` has them.

    Raises:
        ValidationError: by field.
    """
    asset = of_own_kind(asset)
    return rows.update(asset, values, asset.site.organization)


@transaction.atomic
def delete_asset(*, asset: Asset) -> None:
    """Remove a device; its schedules and offers keep its name."""
    asset = of_own_kind(asset)
    rows.delete(asset, asset.site.organization)


def of_own_kind(asset: Asset) -> Asset:
    """Return the row of the device's own table.

    Raises:
        ValidationError: where it is gone, or not in scope.
    """
    model = KINDS[asset.kind]
    if isinstance(asset, model):
        return asset
    found = model.objects.filter(pk=asset.pk).first()
    if found is None:
        raise ValidationError(f"Device {asset.pk} does not exist any more.")
    return found
