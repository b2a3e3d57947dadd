"""How messages name channels, and which rows these names mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Q

from assets.models import Asset, Site
from flexplatform.accounts.models import Organization
from telemetry.models import Channel
from telemetry.quantities import QUANTITIES, quantities_of

HIGHEST_ID = 2**63 - 1
Row = TypeVar("Row", Site, Asset, Channel)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A channel by its id; or by its quantity with a device, or with a site where it is the site's own.

    A site is given by its id (a number), its slug or its external id (texts); a device by its id, or by its name
    together with the site.
    """

    channel: int | None = None
    site: int | str | None = None
    asset: int | str | None = None
    quantity: str = ""


class ReferenceProblem(LookupError):  # noqa: N818
    """A reference that means no channel: the field that is wrong and why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, eq=False)
class Directory:
    """The rows that references may mean; made by `directory_of`."""

    organization: Organization
    sites: Mapping[int | str, Site] = field(default_factory=dict)
    assets: Mapping[int | tuple[int, str], Asset] = field(default_factory=dict)
    channels: dict[int | tuple[int, int | None, str], Channel] = field(default_factory=dict)

    def channel(self, reference: Reference) -> Channel:
        """Return the stored channel, or an unsaved one where device or site have none of the quantity yet.

        Raises:
            ReferenceProblem: for what does not exist in the organization, or contradicts itself.
        """
        if reference.channel is not None:
            found = self.channels.get(reference.channel)
            if found is None:
                raise self._unknown("channel", reference.channel, "the id of a channel")
            _require_same(reference, found)
            return found
        asset = self._asset(reference)
        site = self._site(reference, asset)
        self._check_quantity(reference.quantity, asset)
        key = (site.pk, asset.pk if asset else None, reference.quantity)
        if key not in self.channels:
            channel = Channel(organization=self.organization, site=site, asset=asset, quantity=reference.quantity)
            channel.follow_quantity()
            self.channels[key] = channel
        return self.channels[key]

    def _site(self, reference: Reference, asset: Asset | None) -> Site:
        if reference.site is None and asset is not None:
            return asset.site
        if reference.site is None:
            raise ReferenceProblem("channel", "channel is missing; allowed: channel, asset or site, with a quantity.")
        site = self.sites.get(reference.site)
        if site is None:
            raise self._unknown("site", reference.site, "the id, slug or external id of a site")
        if asset is not None and asset.site_id != site.pk:
            raise ReferenceProblem("asset", f"asset is {reference.asset}; allowed: a device of the site {site.slug}.")
        return site

    def _asset(self, reference: Reference) -> Asset | None:
        if reference.asset is None:
            return None
        if isinstance(reference.asset, int):
            found = self.assets.get(reference.asset)
            if found is None:
                raise self._unknown("asset", reference.asset, "the id of a device")
            return found
        if reference.site is None:
            raise ReferenceProblem("site", f"site is missing; needed with the device's name {reference.asset!r}.")
        site = self._site(reference, None)
        found = self.assets.get((site.pk, reference.asset))
        if found is None:
            raise ReferenceProblem(
                "asset", f"asset is {reference.asset!r}; allowed: the name or id of a device of {site.slug}."
            )
        return found

    def _check_quantity(self, name: str, asset: Asset | None) -> None:
        kind = asset.kind if asset else None
        if name not in QUANTITIES or not QUANTITIES[name].fits(kind):
            allowed = ", ".join(each.name for each in quantities_of(kind))
            owner = kind or "a site"
            raise ReferenceProblem("quantity", f"quantity is {name!r}; allowed for {owner}: {allowed}.")

    def _unknown(self, name: str, value: int | str, allowed: str) -> ReferenceProblem:
        return ReferenceProblem(name, f"{name} is {value}; allowed: {allowed} of {self.organization.name}.")


def directory_of(organization: Organization, references: Sequence[Reference]) -> Directory:
    """Return the rows of the organization that the references may mean; at most five queries, whatever their number."""
    found: list[Channel] = _by_id(Channel, organization, (each.channel for each in references))
    by_name = [each for each in references if each.channel is None]
    assets = _by_id(Asset, organization, (each.asset for each in by_name))
    sites = _sites(organization, [each.site for each in by_name if each.site is not None])
    names = {each.asset for each in by_name if isinstance(each.asset, str)}
    owners = {site.pk: site for site in [*sites.values(), *(asset.site for asset in assets)]}
    if names:
        assets += Asset.objects.filter(site__in=list(owners), name__in=names).select_related("site")
    if owners:
        quantities = {each.quantity for each in by_name}
        found += _channels(organization).filter(site__in=list(owners), quantity__in=quantities)
    known: dict[int | tuple[int, int | None, str], Channel] = {each.pk: each for each in found}
    known |= {(each.site_id, each.asset_id, each.quantity): each for each in found}
    known_assets: dict[int | tuple[int, str], Asset] = {each.pk: each for each in assets}
    known_assets |= {(each.site_id, each.name): each for each in assets}
    return Directory(organization, sites, known_assets, known)


def _by_id(model: type[Row], organization: Organization, keys: Iterable[Any]) -> list[Row]:
    wanted = {key for key in keys if isinstance(key, int) and 0 < key <= HIGHEST_ID}
    if not wanted:
        return []
    rows: Any = _channels(organization) if model is Channel else _rows(model, organization)
    return list(rows.filter(pk__in=wanted))


def _rows(model: Any, organization: Organization) -> Any:
    if model is Asset:
        return Asset.objects.filter(site__organization=organization).select_related("site")
    return model.objects.filter(organization=organization)


def _channels(organization: Organization) -> Any:
    return Channel.objects.filter(organization=organization).select_related("site", "asset")


def _sites(organization: Organization, given: list[int | str]) -> dict[int | str, Site]:
    keys = {key for key in given if isinstance(key, int) and 0 < key <= HIGHEST_ID}
    names = {key for key in given if isinstance(key, str) and key}
    if not keys and not names:
        return {}
    rows = Site.objects.filter(organization=organization)
    sites = list(rows.filter(Q(pk__in=keys) | Q(slug__in=names) | Q(external_id__in=names)))
    found: dict[int | str, Site] = {site.external_id: site for site in sites if site.external_id}
    return found | {site.slug: site for site in sites} | {site.pk: site for site in sites}


def _require_same(reference: Reference, channel: Channel) -> None:
    if reference.quantity and reference.quantity != channel.quantity:
        raise ReferenceProblem("quantity", f"quantity is {reference.quantity!r}; channel {channel.pk} is {channel}.")
    for name in ("site", "asset"):
        if getattr(reference, name) is not None:
            raise ReferenceProblem(name, f"{name} is given beside a channel; allowed: one of them.")
