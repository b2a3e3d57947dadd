"""Flexibility offers and the markets they go to."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FlexmarketConfig(AppConfig):
    """Floor 6: what a schedule could do differently, for how much."""

    name = "flexmarket"

    def ready(self) -> None:
        """Register routes, the site page's panel, and the offers that follow a planned site."""
        from flexmarket import api, overview_panel, quantifying, tasks
        from flexmarket import panels as own
        from flexmarket.flexmeasures.registration import register_flexmeasures
        from flexmarket.lab import api as lab_api
        from flexmarket.lab import services as lab
        from flexmarket.lab import tasks as lab_tasks
        from flexmarket.measures import MEASURES
        from flexmarket.settlement import api as settlement_api
        from flexmarket.settlement import panels as settlement
        from flexmarket.trading import api as trading_api
        from flexmarket.trading import joint_offering as joint
        from flexmarket.trading import mending, order_api, product_api
        from flexmarket.trading import tasks as trading
        from flexmarket.trading.activation import activate_order
        from flexmarket.trading.calls import called_plans
        from flexmarket.trading.clock import tend_market  # noqa: F401  # the clock finds it by its name
        from flexmarket.trading.demo import make_market
        from flexmarket.trading.ordering import ACTIVATE_ORDER
        from flexmarket.trading.rolling import REPLAN_SITE, replan_site
        from flexplatform.accounts import permissions
        from flexplatform.api.registry import ApiResource, api_resources
        from flexplatform.jobs.registry import FollowUp, JobKind, Priority, follow_ups, job_kinds
        from flexplatform.registry import (
            DemoStep,
            NavigationEntry,
            Panel,
            Route,
            demo_steps,
            measures,
            navigation,
            panels,
            routes,
        )
        from optimization.after_planning import AfterPlanning, after_planning
        from optimization.promises import PlanPromise, plan_promises
        from optimization.services import SCHEDULE_SITE

        for measure in MEASURES:
            measures.add(measure)
        api_resources.add(ApiResource("offers", api.OfferViewSet, order=40))
        api_resources.add(ApiResource("scenarios", lab_api.ScenarioViewSet, order=45))
        api_resources.add(ApiResource("scenario-runs", lab_api.ScenarioRunViewSet, order=46))
        api_resources.add(ApiResource("market-products", product_api.ProductViewSet, order=50))
        api_resources.add(ApiResource("market-offers", trading_api.MarketOfferViewSet, order=51))
        api_resources.add(ApiResource("orders", order_api.OrderViewSet, order=52))
        api_resources.add(ApiResource("rolling-operations", product_api.RollingOperationViewSet, order=49))
        api_resources.add(ApiResource("contracts", product_api.ContractViewSet, order=53))
        api_resources.add(ApiResource("deliveries", settlement_api.DeliveryViewSet, order=54))
        api_resources.add(ApiResource("statements", settlement_api.StatementViewSet, order=55))
        api_resources.add(ApiResource("statement-lines", settlement_api.StatementLineViewSet, order=55))
        api_resources.add(ApiResource("disputes", settlement_api.DisputeViewSet, order=56))
        navigation.add(
            NavigationEntry(
                "scenarios", _("Scenario lab"), "scenarios", permissions.VIEW_SCHEDULES, 35, "flask", "plan"
            )
        )
        navigation.add(
            NavigationEntry("rolling", _("Renewed plans"), "rolling", permissions.VIEW_SCHEDULES, 36, "refresh", "plan")
        )
        navigation.add(
            NavigationEntry("offers", _("Offers"), "offers", permissions.VIEW_OFFERS, 40, "receipt-euro", "market")
        )
        for entry in (
            ("market_offers", _("Market offers"), permissions.VIEW_OFFERS, 41, "arrows-up-down"),
            ("orders", _("Orders"), permissions.VIEW_OFFERS, 42, "bolt"),
            ("statements", _("Settlement"), permissions.VIEW_SETTLEMENT, 43, "report-money"),
            ("market_products", _("Products"), permissions.VIEW_OFFERS, 44, "receipt"),
            ("contracts", _("Contracts"), permissions.VIEW_SETTLEMENT, 45, "clipboard-list"),
        ):
            name, label, permission, order, icon = entry
            navigation.add(NavigationEntry(name, label, name, permission, order, icon, "market"))
        job_kinds.add(
            JobKind(
                lab.SOLVE_SCENARIO,
                "Scenario",
                lab_tasks.solve_scenario,
                view_permission=permissions.VIEW_SCHEDULES,
                run_permission=permissions.RUN_SCHEDULES,
                result_url=lab_tasks.solved_page,
                order=40,
            )
        )
        job_kinds.add(
            JobKind(
                quantifying.QUANTIFY,
                "Flexibility by a method",
                quantifying.quantify_run,
                view_permission=permissions.VIEW_OFFERS,
                run_permission=permissions.RUN_SCHEDULES,
                result_url=quantifying.quantified_page,
                order=39,
            )
        )
        job_kinds.add(
            JobKind(
                quantifying.QUANTIFY_MANY,
                "Flexibility of many sites by a method",
                quantifying.quantify_many,
                view_permission=permissions.VIEW_OFFERS,
                run_permission=permissions.RUN_SCHEDULES,
                conclude=quantifying.conclude_many,
                order=39,
            )
        )
        job_kinds.add(
            JobKind(
                trading.MAKE_OFFERS,
                "Offers for a market",
                trading.make,
                view_permission=permissions.VIEW_OFFERS,
                run_permission=permissions.SELL_OFFERS,
                order=41,
            )
        )
        job_kinds.add(
            JobKind(
                mending.OFFER_ANEW,
                "Offers of a new plan",
                mending.offer_anew,
                view_permission=permissions.VIEW_OFFERS,
                run_permission=permissions.SELL_OFFERS,
                priority=Priority.LATER,
                order=41,
            )
        )
        job_kinds.add(
            JobKind(
                joint.OFFER_PORTFOLIO,
                "Offers of a portfolio",
                joint.make_joint_offers,
                view_permission=permissions.VIEW_OFFERS,
                run_permission=permissions.SELL_OFFERS,
                priority=Priority.LATER,
                order=41,
            )
        )
        job_kinds.add(
            JobKind(
                ACTIVATE_ORDER,
                "Activation",
                activate_order,
                view_permission=permissions.VIEW_OFFERS,
                run_permission=permissions.PLACE_ORDERS,
                order=42,
            )
        )
        job_kinds.add(
            JobKind(
                REPLAN_SITE,
                "Renewed plan",
                replan_site,
                view_permission=permissions.VIEW_SCHEDULES,
                run_permission=permissions.RUN_SCHEDULES,
                priority=Priority.LATER,
                order=43,
            )
        )
        demo_steps.add(DemoStep("market", "Market", make_market, order=40))
        routes.add(Route("flexmarket", "", "flexmarket.urls", order=40))
        panels.add(Panel("offers", "site", "flexmarket/site_panel.html", own.site, order=40))
        panels.add(
            Panel(
                "flexibility",
                "overview",
                "flexmarket/overview_panel.html",
                overview_panel.offered,
                order=31,
                half=True,
                permission=permissions.VIEW_OFFERS,
            )
        )
        may_settle = permissions.VIEW_SETTLEMENT
        kpis, of_site = settlement.market_kpis, settlement.settlement_of_site
        panels.add(Panel("market_kpis", "overview", "flexmarket/kpi_panel.html", kpis, order=32, permission=may_settle))
        panels.add(
            Panel("settlement", "site", "flexmarket/settlement_panel.html", of_site, order=70, permission=may_settle)
        )
        follow_ups.add(FollowUp("offers", SCHEDULE_SITE, tasks.offer_after_planning, order=40))
        for number, kind in enumerate((ACTIVATE_ORDER, REPLAN_SITE)):
            follow_ups.add(FollowUp(f"offers_{kind}", kind, tasks.offer_after_replanning, order=41 + number))
        plan_promises.add(PlanPromise("calls", called_plans))
        after_planning.add(AfterPlanning("offers", tasks.tables_of_plan, tasks.offer_of_many, order=40))
        register_flexmeasures()
