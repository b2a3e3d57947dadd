"""Addresses of offers and of the scenario lab, below `/o/<organization>/`."""

from django.urls import path

from flexmarket.board import views as board
from flexmarket.flexmeasures import views as flexmeasures
from flexmarket.lab import comparison_views as comparison
from flexmarket.lab import views as lab
from flexmarket.overview_panel import OverviewFlexibility
from flexmarket.views import OfferCharts, OfferExport

RUN = "scenarios/<int:scenario>/runs/<int:scenario_run>"
PAIR = "scenarios/<int:scenario>/compare/<int:before>/<int:after>"

urlpatterns = [
    path("offers/", board.OffersBoard.as_view(), name="offers"),
    path("offers/charts.json", board.BoardCharts.as_view(), name="board_charts"),
    path("offers/<slug:market>.zip", board.BoardExport.as_view(), name="board_export"),
    path("overview/flexibility.json", OverviewFlexibility.as_view(), name="overview_flexibility"),
    path("runs/<int:run>/offers.json", OfferCharts.as_view(), name="offer_charts"),
    path("runs/<int:run>/offers/<slug:market>.zip", OfferExport.as_view(), name="offer_export"),
    path("scenarios/", lab.ScenarioList.as_view(), name="scenarios"),
    path("scenarios/new/", lab.NewScenario.as_view(), name="scenario_new"),
    path("scenarios/<int:scenario>/", lab.ScenarioPage.as_view(), name="scenario"),
    path("scenarios/<int:scenario>/delete/", lab.DeleteScenario.as_view(), name="scenario_delete"),
    path("scenarios/<int:scenario>/compare/", comparison.ChooseScenarioRuns.as_view(), name="scenario_choose"),
    path(f"{PAIR}/", comparison.ScenarioComparison.as_view(), name="scenario_compare"),
    path(f"{PAIR}/charts.json", comparison.ScenarioComparisonCharts.as_view(), name="scenario_compare_charts"),
    path(f"{RUN}/", lab.ScenarioRunPage.as_view(), name="scenario_run"),
    path(f"{RUN}/charts.json", lab.ScenarioRunCharts.as_view(), name="scenario_run_charts"),
    path(f"{RUN}/all.zip", lab.ScenarioRunArchive.as_view(), name="scenario_archive"),
    path("flexmeasures/", flexmeasures.FlexMeasuresPage.as_view(), name="flexmeasures"),
    path("flexmeasures/server/", flexmeasures.SetServer.as_view(), name="flexmeasures_server"),
    path("flexmeasures/switch/", flexmeasures.Switch.as_view(), name="flexmeasures_switch"),
    path("flexmeasures/forget/", flexmeasures.ForgetServer.as_view(), name="flexmeasures_forget"),
    path("flexmeasures/push/", flexmeasures.PushNow.as_view(), name="flexmeasures_push"),
]
