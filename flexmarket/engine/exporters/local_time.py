"""The slots of a horizon in a site's local time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flexmarket.engine.errors import OfferError
from optimization.engine.horizon import Horizon

MINUTE = timedelta(minutes=1)


def local_times(horizon: Horizon, zone: ZoneInfo) -> list[datetime]:
    """Return the start of each slot in local time, with the UTC offset that holds in it.

    Raises:
        OfferError: for steps that no time in whole minutes can tell apart.
    """
    if horizon.step % MINUTE:
        raise OfferError("horizon.step", horizon.step, "whole minutes")
    return [time.astimezone(zone) for time in horizon.times]
