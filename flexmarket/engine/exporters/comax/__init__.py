"""COMAX: TenneT's market platform of the C/sells project."""

from flexmarket.engine.exporters.comax.layout import ComaxParameters, files, sheets
from flexmarket.engine.exporters.contract import Exporter

COMAX = Exporter(parameters=ComaxParameters, files=files, sheets=sheets)

__all__ = ["COMAX", "ComaxParameters"]
