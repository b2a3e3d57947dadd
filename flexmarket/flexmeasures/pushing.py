"""The push of one site: its assets and sensors made or found, and what changed posted and remembered."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np
from django.utils import timezone

from assets.models import Asset, Site
from flexmarket.flexmeasures import mapping
from flexmarket.flexmeasures.adapter import Adapter
from flexmarket.flexmeasures.errors import FlexMeasuresError, GoneError, ReplacementError, UnreachableError
from flexmarket.flexmeasures.mapping import Stretch, Told, Wanted
from flexmarket.flexmeasures.queries import Reflected, reflected
from flexmarket.models import FlexMeasuresLink, FlexMeasuresSensor
from forecasting.engine.grid import Grid, Series

Writing = Callable[[], AbstractContextManager[None]]
MOST_SHOWN = 500
WITHOUT_SITE = "Its site could not be made there."


@dataclass(frozen=True)
class Pushed:
    """How many values of a site were posted, and the first failure in words; empty where there was none."""

    values: int
    error: str = ""


class SitePush:
    """One push of one site; `writing` gives the transaction in which each link is remembered."""

    def __init__(self, adapter: Adapter, site: Site, writing: Writing, now: datetime | None = None) -> None:
        self._adapter, self._site, self._writing = adapter, site, writing
        self._now = now or timezone.now()
        self._grid: Grid = mapping.window(self._now)
        self._known: Reflected = reflected(site, self._grid)

    def run(self) -> Pushed:
        """Bring the site and its devices up to date there; a device that fails does not stop the others.

        Raises:
            UnreachableError: where the whole server fails; it stands on the link then too.
        """
        values, errors = 0, []
        parent: FlexMeasuresLink | None = None
        for asset in (None, *self._known.assets):
            link = self._link(asset)
            try:
                if asset is not None and (parent is None or parent.remote_id is None):
                    raise FlexMeasuresError(WITHOUT_SITE)
                values += self._push(link, asset, parent)
            except FlexMeasuresError as error:
                self._note(link, f"{error}")
                if isinstance(error, UnreachableError):
                    raise
                errors.append(f"{link}: {error}")
            else:
                self._note(link, "")
            parent = link if asset is None else parent
        return Pushed(values, errors[0] if errors else "")

    def _link(self, asset: Asset | None) -> FlexMeasuresLink:
        kind = FlexMeasuresLink.Kind.DEVICE if asset else FlexMeasuresLink.Kind.SITE
        given = {"organization": self._site.organization, "kind": kind}
        with self._writing():
            return FlexMeasuresLink.objects.get_or_create(site=self._site, asset=asset, defaults=given)[0]

    def _push(self, link: FlexMeasuresLink, asset: Asset | None, parent: FlexMeasuresLink | None) -> int:
        """Push one asset; where it is gone there, make it once more."""
        try:
            return self._push_once(link, asset, parent)
        except GoneError:
            if link.remote_id is None:
                raise
            with self._writing():
                link.sensors.all().delete()
                link.remote_id, link.described = None, {}
                link.save(update_fields=["remote_id", "described"])
            return self._push_once(link, asset, parent)

    def _push_once(self, link: FlexMeasuresLink, asset: Asset | None, parent: FlexMeasuresLink | None) -> int:
        remote = self._ensure_asset(link, asset, parent)
        series = self._known.sensors(asset)
        sensors = self._ensure_sensors(link, remote, series)
        return sum(self._push_series(sensors[name], told) for name, told in series.items())

    def _ensure_asset(self, link: FlexMeasuresLink, asset: Asset | None, parent: FlexMeasuresLink | None) -> int:
        """Make or find the asset there, or tell it what is new; return its id."""
        types = self._adapter.types()
        if asset is None or parent is None or parent.remote_id is None:
            described = mapping.site_asset(self._site, types)
        else:
            described = mapping.device_asset(self._site, asset, types, parent.remote_id)
        if link.remote_id is not None and link.described == described:
            return link.remote_id
        if link.remote_id is None:
            link.remote_id = self._adapter.create_asset(described)
        else:
            new = {name: value for name, value in described.items() if link.described.get(name) != value}
            self._adapter.change_asset(link.remote_id, new)
        link.described = described
        with self._writing():
            link.save(update_fields=["remote_id", "described"])
        return link.remote_id

    def _ensure_sensors(
        self, link: FlexMeasuresLink, remote: int, series: dict[str, list[Told]]
    ) -> dict[str, FlexMeasuresSensor]:
        """Make or find the sensors there that are not known yet; return all by name."""
        known = {each.name: each for each in link.sensors.all()}
        missing = [name for name in series if name not in known]
        if not missing:
            return known
        there = self._adapter.sensors(remote)
        for name in missing:
            values = mapping.sensor(mapping.KINDS[name], remote, self._site.time_zone)
            found = there.get(name) or self._adapter.create_sensor(values)
            with self._writing():
                known[name] = FlexMeasuresSensor.objects.create(link=link, name=name, remote_id=found)
        shown = mapping.charts({name: each.remote_id for name, each in known.items()})
        self._adapter.change_asset(remote, {"sensors_to_show": shown})
        return known

    def _push_series(self, sensor: FlexMeasuresSensor, told: list[Told]) -> int:
        """Post what changed of a series and remember it; return how many values these are."""
        kind = mapping.KINDS[sensor.name]
        new = mapping.wanted(kind, told, self._grid)
        posted = mapping.posted_on(self._grid, sensor.start, cast("Series | None", sensor.values))
        stretches = list(mapping.changes(new, posted))
        if not stretches:
            return 0
        believed = [self._believed_at(sensor, each) for each in stretches]
        jobs = [self._post(sensor, each, at) for each, at in zip(stretches, believed, strict=True)]
        for job, each in zip(jobs, stretches, strict=True):
            if job is not None:
                self._wait(job, sensor, each)
        self._remember(sensor, new, posted, max(believed))
        return sum(len(each.values) for each in stretches)

    def _believed_at(self, sensor: FlexMeasuresSensor, stretch: Stretch) -> datetime:
        """Return since when it is believed: later than what it replaces, or that would stay on top there."""
        last = sensor.believed_at
        return self._now if stretch.replaces and last and stretch.believed_at <= last else stretch.believed_at

    def _post(self, sensor: FlexMeasuresSensor, stretch: Stretch, believed_at: datetime) -> str | None:
        kind = mapping.KINDS[sensor.name]
        try:
            return self._adapter.post(sensor.remote_id, mapping.posting(kind, stretch, believed_at))
        except ReplacementError:
            return self._adapter.post(sensor.remote_id, mapping.posting(kind, stretch, self._now))

    def _wait(self, job: str, sensor: FlexMeasuresSensor, stretch: Stretch) -> None:
        try:
            self._adapter.wait(job)
        except ReplacementError:
            again = self._adapter.post(
                sensor.remote_id, mapping.posting(mapping.KINDS[sensor.name], stretch, self._now)
            )
            if again is not None:
                self._adapter.wait(again)

    def _remember(self, sensor: FlexMeasuresSensor, new: Wanted, posted: Series, believed_at: datetime) -> None:
        values = np.where(np.isnan(new.values), posted, new.values)
        (known,) = np.nonzero(~np.isnan(values))
        sensor.start, sensor.values = self._grid.start, values[: int(known[-1]) + 1]
        sensor.pushed_until = self._grid.start + (int(known[-1]) + 1) * mapping.STEP
        sensor.believed_at = max(believed_at, sensor.believed_at or believed_at)
        with self._writing():
            sensor.save(update_fields=["start", "values", "pushed_until", "believed_at"])

    def _note(self, link: FlexMeasuresLink, error: str) -> None:
        moment = timezone.now()
        link.tried_at, link.error = moment, error[:MOST_SHOWN]
        if error:
            link.failed_at = moment
        else:
            link.pushed_at = self._now
        with self._writing():
            link.save(update_fields=["tried_at", "pushed_at", "failed_at", "error"])


def unposted(site: Site, now: datetime | None = None) -> dict[str, int]:
    """Return how many values a push of a site would post, by sensor such as `battery.power`; nobody is asked."""
    grid = mapping.window(now or timezone.now())
    known = reflected(site, grid)
    stored = FlexMeasuresSensor.objects.filter(link__site=site).select_related("link")
    posted = {(each.link.asset_id, each.name): each for each in stored}
    found: dict[str, int] = {}
    for asset in (None, *known.assets):
        for name, told in known.sensors(asset).items():
            before = posted.get((asset.pk if asset else None, name))
            values = cast("Series | None", before.values) if before else None
            laid = mapping.posted_on(grid, before.start if before else None, values)
            new = mapping.wanted(mapping.KINDS[name], told, grid)
            found[f"{asset or 'site'}.{name}"] = sum(len(each.values) for each in mapping.changes(new, laid))
    return found
