"""Writes of portfolios and sites."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from assets.models import Asset, Checked, Portfolio, Site, SiteTariff
from assets.queries import devices_by_site
from assets.services import rows
from assets.services.rows import Values
from assets.tables import PARTS, editable_fields
from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization

SLUG_LENGTH = 100


def create_portfolio(*, organization: Organization, values: Values) -> Portfolio:
    """Make a portfolio.

    Raises:
        ValidationError: by field.
    """
    return rows.create(Portfolio(organization=organization, time_zone=organization.time_zone), values, organization)


def update_portfolio(*, portfolio: Portfolio, values: Values) -> Portfolio:
    """Change a portfolio; its sites keep their time zones.

    Raises:
        ValidationError: by field.
    """
    return rows.update(portfolio, values, portfolio.organization)


def delete_portfolio(*, portfolio: Portfolio) -> None:
    """Delete a portfolio without sites.

    Raises:
        ValidationError: names sites that it still has.
    """
    rows.delete(portfolio, portfolio.organization)


def create_site(*, organization: Organization, values: Values) -> Site:
    """Make a site; without a slug it gets one from its name, without a time zone its portfolio's.

    Raises:
        ValidationError: by field.
    """
    return rows.create(Site(organization=organization), with_defaults(values, organization), organization)


def update_site(*, site: Site, values: Values) -> Site:
    """Change a site.

    Raises:
        ValidationError: by field.
    """
    return rows.update(site, values, site.organization)


def delete_site(*, site: Site) -> None:
    """Delete a site with its devices, tariffs of its own and schedules."""
    rows.delete(site, site.organization)


@transaction.atomic
def change_sites(*, sites: Iterable[Site], values: Values) -> list[Site]:
    """Give several sites the same values; all of them or none.

    Raises:
        ValidationError: names the site, and the field.
    """
    changed = []
    for site in sites:
        try:
            changed.append(update_site(site=site, values=values))
        except ValidationError as error:
            raise ValidationError([f"{site}: {message}" for message in described(error)]) from error
    return changed


@transaction.atomic
def copy_site(*, site: Site, values: Values) -> Site:
    """Make a site like another one, with copies of its devices, their stays, and its tariffs.

    `values` holds what is different; a name is needed, external id and slug are never copied.

    Raises:
        ValidationError: by field.
    """
    site = rows.locked(site)
    organization = site.organization
    if not values.get("name"):
        raise ValidationError({"name": "A copy needs a name of its own."})
    own = {name: getattr(site, name) for name in editable_fields(Site) if name not in {"slug", "external_id"}}
    made = create_site(organization=organization, values={**own, **values})
    for device in devices_by_site([site])[site.pk]:
        _copy(device, site=made)
    for assignment in SiteTariff.objects.filter(site=site).select_related("tariff"):
        _copy(assignment, site=made)
    audit.record(organization=organization, action="site.copy", instance=made, after={"copy_of": site.pk})
    return made


def with_defaults(values: Values, organization: Organization) -> Values:
    """Return the values of a new site with a slug and a time zone, where they have none."""
    given = dict(values)
    if not given.get("slug"):
        given["slug"] = free_slug(str(given.get("name") or ""), taken=_slugs(organization))
    if not given.get("time_zone"):
        portfolio = given.get("portfolio")
        if not isinstance(portfolio, Portfolio):
            key = str(portfolio)
            portfolio = Portfolio.objects.filter(pk=int(key)).first() if key.isascii() and key.isdigit() else None
        given["time_zone"] = portfolio.time_zone if portfolio else organization.time_zone
    return given


def free_slug(name: str, taken: Iterable[str]) -> str:
    """Return a slug for a name that is not taken."""
    used = set(taken)
    base = slugify(name)[: SLUG_LENGTH - 6] or "site"
    slug, number = base, 1
    while slug in used:
        number += 1
        slug = f"{base}-{number}"
    return slug


def described(error: ValidationError) -> list[str]:
    """Return the messages of an error, each with the field that it is about."""
    if not hasattr(error, "error_dict"):
        return error.messages
    found = error.message_dict.items()
    return [message if name == "__all__" else f"{name}: {message}" for name, each in found for message in each]


def _slugs(organization: Organization) -> set[str]:
    return set(Site.objects.filter(organization=organization).values_list("slug", flat=True))


def _copy(row: Checked, *, site: Site) -> Checked:
    parts = PARTS.get(type(row))
    values = {name: getattr(row, name) for name in editable_fields(type(row))} | {"site": site}
    if parts:
        names = [name for name in editable_fields(parts.model) if name != parts.owner]
        values[parts.name] = [{name: getattr(each, name) for name in names} for each in getattr(row, parts.name).all()]
    made = type(row)(site=site) if isinstance(row, Asset | SiteTariff) else type(row)()
    rows.save(made, values, site.organization)
    return made
