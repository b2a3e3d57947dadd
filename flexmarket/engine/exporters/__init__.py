"""The markets that offers can be exported to; a new market is one folder and one line here."""

from typing import Any
from zoneinfo import ZoneInfo

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exporters.alf import ALF
from flexmarket.engine.exporters.comax import COMAX
from flexmarket.engine.exporters.contract import Exporter, Files, Sheets, Tables
from optimization.engine.horizon import Horizon

EXPORTERS: dict[str, Exporter[Any]] = {
    "alf": ALF,
    "comax": COMAX,
}


def exporter(market: str) -> Exporter[Any]:
    """Return the exporter of a market.

    Raises:
        OfferError: for a market that is not registered.
    """
    if market not in EXPORTERS:
        raise OfferError("market", market, ", ".join(sorted(EXPORTERS)))
    return EXPORTERS[market]


def export(market: str, tables: Tables, horizon: Horizon, zone: ZoneInfo, **parameters: Any) -> Files:
    """Return a market's text files, one per device, by file name.

    `zone` is the site's time zone; `parameters` are those of the market (its parameters class lists them).

    Raises:
        OfferError: names the field, its value and what is allowed.
    """
    chosen = exporter(market)
    return chosen.files(tables, horizon, zone, chosen.checked(parameters))


__all__ = ["EXPORTERS", "Exporter", "Files", "Sheets", "Tables", "export", "exporter"]
