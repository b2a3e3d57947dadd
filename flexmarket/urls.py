"""Addresses of offers and of the scenario lab, below `/o/<organization>/`."""

from django.urls import path

from flexmarket.board import views as board
from flexmarket.flexmeasures import views as flexmeasures
from flexmarket.lab import comparison_views as comparison
from flexmarket.lab import views as lab
from flexmarket.overview_panel import OverviewFlexibility
from flexmarket.settlement import dispute_views as disputes
from flexmarket.settlement import views as settlement
from flexmarket.trading import joint_views as joint
from flexmarket.trading import order_views as orders
from flexmarket.trading import product_views as products
from flexmarket.trading import rolling_views as rolling
from flexmarket.trading import views as trading
from flexmarket.views import OfferCharts, OfferExport, QuantifyRun

RUN = "scenarios/<int:scenario>/runs/<int:scenario_run>"
PAIR = "scenarios/<int:scenario>/compare/<int:before>/<int:after>"

urlpatterns = [
    path("offers/", board.OffersBoard.as_view(), name="offers"),
    path("offers/charts.json", board.BoardCharts.as_view(), name="board_charts"),
    path("offers/quantify/", board.QuantifyBoard.as_view(), name="board_quantify"),
    path("offers/<slug:market>.zip", board.BoardExport.as_view(), name="board_export"),
    path("overview/flexibility.json", OverviewFlexibility.as_view(), name="overview_flexibility"),
    path("runs/<int:run>/offers.json", OfferCharts.as_view(), name="offer_charts"),
    path("runs/<int:run>/offers/<slug:market>.zip", OfferExport.as_view(), name="offer_export"),
    path("runs/<int:run>/offers/quantify/", QuantifyRun.as_view(), name="offers_quantify"),
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
    path("products/", products.ProductList.as_view(), name="market_products"),
    path("products/new/", products.ProductPage.as_view(), name="product_new"),
    path("products/<int:product>/", products.ProductPage.as_view(), name="product"),
    path("products/<int:product>/delete/", products.DeleteProduct.as_view(), name="product_delete"),
    path("contracts/", products.ContractList.as_view(), name="contracts"),
    path("contracts/new/", products.ContractPage.as_view(), name="contract_new"),
    path("contracts/<int:contract>/", products.ContractPage.as_view(), name="contract"),
    path("contracts/<int:contract>/delete/", products.DeleteContract.as_view(), name="contract_delete"),
    path("rolling/", rolling.RollingList.as_view(), name="rolling"),
    path("rolling/new/", products.RollingPage.as_view(), name="rolling_new"),
    path("rolling/<int:rolling>/", products.RollingPage.as_view(), name="rolling_rule"),
    path("rolling/<int:rolling>/delete/", products.DeleteRolling.as_view(), name="rolling_delete"),
    path("rolling/<slug:site>/switch/", rolling.SwitchRolling.as_view(), name="rolling_switch"),
    path("market/", trading.MarketOffers.as_view(), name="market_offers"),
    path("market/change/", trading.ChangeOffers.as_view(), name="offers_change"),
    path("market/portfolio/", joint.MakeJointOffers.as_view(), name="portfolio_offer"),
    path("market/<int:offer>/", trading.OfferPage.as_view(), name="market_offer"),
    path("market/<int:offer>/chart.json", trading.OfferChart.as_view(), name="offer_chart"),
    path("market/<int:offer>/order/", trading.OrderOffer.as_view(), name="offer_order"),
    path("runs/<int:run>/make-offers/", trading.MakeOffers.as_view(), name="offers_make"),
    path("orders/", orders.OrderList.as_view(), name="orders"),
    path("orders/upload/", orders.UploadOrders.as_view(), name="orders_upload"),
    path("orders/<int:order>/", orders.OrderPage.as_view(), name="order"),
    path("orders/<int:order>/charts.json", orders.OrderCharts.as_view(), name="order_charts"),
    path("orders/<int:order>/meter/", orders.MeterOrder.as_view(), name="order_meter"),
    path("settlement/", settlement.StatementList.as_view(), name="statements"),
    path("settlement/draft/", settlement.DraftStatements.as_view(), name="statements_draft"),
    path("settlement/figures/", settlement.MarketKpis.as_view(), name="market_kpis"),
    path("settlement/<int:statement>/", settlement.StatementPage.as_view(), name="statement"),
    path("settlement/<int:statement>/close/", settlement.CloseStatement.as_view(), name="statement_close"),
    path(
        "settlement/<int:statement>/statement.<slug:file_format>",
        settlement.StatementFileView.as_view(),
        name="statement_file",
    ),
    path("settlement/lines/<int:line>/dispute/", disputes.RaiseDispute.as_view(), name="dispute_raise"),
    path("settlement/disputes/", disputes.DisputeList.as_view(), name="disputes"),
    path("settlement/disputes/<int:dispute>/", disputes.AnswerDispute.as_view(), name="dispute_answer"),
    path("sites/<slug:site>/baselines/", settlement.SiteBaselines.as_view(), name="site_baselines"),
    path("flexmeasures/", flexmeasures.FlexMeasuresPage.as_view(), name="flexmeasures"),
    path("flexmeasures/server/", flexmeasures.SetServer.as_view(), name="flexmeasures_server"),
    path("flexmeasures/switch/", flexmeasures.Switch.as_view(), name="flexmeasures_switch"),
    path("flexmeasures/forget/", flexmeasures.ForgetServer.as_view(), name="flexmeasures_forget"),
    path("flexmeasures/push/", flexmeasures.PushNow.as_view(), name="flexmeasures_push"),
]
