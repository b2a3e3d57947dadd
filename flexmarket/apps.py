"""Flexibility offers and the markets they go to."""

from django.apps import AppConfig


class FlexmarketConfig(AppConfig):
    """Floor 6: what a schedule could do differently, for how much."""

    name = "flexmarket"

    def ready(self) -> None:
        """Register routes, the site page's panel, the demo's offers, and the offers that follow a planned site."""
        from flexmarket import api, demo, tasks
        from flexmarket import panels as own
        from flexplatform.api.registry import ApiResource, api_resources
        from flexplatform.jobs.registry import FollowUp, follow_ups
        from flexplatform.registry import DemoStep, Panel, Route, demo_steps, panels, routes
        from optimization.after_planning import AfterPlanning, after_planning
        from optimization.services import SCHEDULE_SITE

        api_resources.add(ApiResource("offers", api.OfferViewSet, order=40))
        routes.add(Route("flexmarket", "", "flexmarket.urls", order=40))
        panels.add(Panel("offers", "site", "flexmarket/site_panel.html", own.site, order=40))
        demo_steps.add(DemoStep("offers", "Offers", demo.make_offers, order=40))
        follow_ups.add(FollowUp("offers", SCHEDULE_SITE, tasks.offer_after_planning, order=40))
        after_planning.add(AfterPlanning("offers", tasks.tables_of_plan, tasks.offer_of_many, order=40))
