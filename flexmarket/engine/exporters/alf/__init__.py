"""ALF: the Altdorf flexibility market (Altdorfer Flexmarkt) of the C/sells project."""

from flexmarket.engine.exporters.alf.layout import files
from flexmarket.engine.exporters.alf.parameters import AlfParameters
from flexmarket.engine.exporters.contract import Exporter

ALF = Exporter(parameters=AlfParameters, files=files)

__all__ = ["ALF", "AlfParameters"]
