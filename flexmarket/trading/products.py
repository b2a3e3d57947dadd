"""Writes of products, contracts, and how often plans are renewed."""

from django.db import transaction

from assets.models import Site
from assets.services import rows
from assets.services.rows import Values
from flexmarket.models import Contract, MarketProduct, RollingOperation
from flexplatform.accounts.models import Organization


def create_product(*, organization: Organization, values: Values) -> MarketProduct:
    """Make a product.

    Raises:
        ValidationError: by field.
    """
    return rows.create(MarketProduct(organization=organization), values, organization)


def update_product(*, product: MarketProduct, values: Values) -> MarketProduct:
    """Change the terms of offers to come; offers keep what they were made with, delivery is paid by the terms of now.

    Raises:
        ValidationError: by field.
    """
    return rows.update(product, values, product.organization)


def delete_product(*, product: MarketProduct) -> None:
    """Delete a product without offers.

    Raises:
        ValidationError: names offers that still need it.
    """
    rows.delete(product, product.organization)


def create_contract(*, organization: Organization, values: Values) -> Contract:
    """Make a contract.

    Raises:
        ValidationError: by field; also where there is one about the same days.
    """
    return rows.create(Contract(organization=organization), values, organization)


def update_contract(*, contract: Contract, values: Values) -> Contract:
    """Change a contract.

    Raises:
        ValidationError: as `create_contract`.
    """
    return rows.update(contract, values, contract.organization)


def delete_contract(*, contract: Contract) -> None:
    """Delete a contract; statements that were closed keep its share."""
    rows.delete(contract, contract.organization)


def create_rolling(*, organization: Organization, values: Values) -> RollingOperation:
    """Say how often the plans of a site, or of all others, are renewed.

    Raises:
        ValidationError: by field; also where the site has said so already.
    """
    return rows.create(RollingOperation(organization=organization), values, organization)


def update_rolling(*, rolling: RollingOperation, values: Values) -> RollingOperation:
    """Change how often plans are renewed.

    Raises:
        ValidationError: by field.
    """
    return rows.update(rolling, values, rolling.organization)


@transaction.atomic
def switch_rolling(*, site: Site, enabled: bool) -> RollingOperation:
    """Pause or resume the renewal of a site's plans; a site that follows the others gets a rule of its own for that.

    Raises:
        ValidationError: as `create_rolling`.
    """
    rules = RollingOperation.objects.filter(organization=site.organization_id)
    own = rules.filter(site=site).first()
    if own is not None:
        return update_rolling(rolling=own, values={"enabled": enabled})
    shared = rules.filter(site=None).first() or RollingOperation()
    values = {"interval_minutes": shared.interval_minutes, "deviation_percent": shared.deviation_percent}
    return create_rolling(organization=site.organization, values={"site": site, "enabled": enabled, **values})


def delete_rolling(*, rolling: RollingOperation) -> None:
    """Take back what a site says of its own, or what holds for all."""
    rows.delete(rolling, rolling.organization)
