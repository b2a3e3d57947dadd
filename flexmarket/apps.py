"""Flexibility offers and the markets they go to."""

from django.apps import AppConfig


class FlexmarketConfig(AppConfig):
    """Floor 6: what a schedule could do differently, for how much."""

    name = "flexmarket"

    def ready(self) -> None:
        """Register routes, the site page's panel and the demo's offers."""
        from flexmarket import demo
        from flexmarket import panels as own
        from flexplatform.registry import DemoStep, Panel, Route, demo_steps, panels, routes

        routes.add(Route("flexmarket", "", "flexmarket.urls", order=40))
        panels.add(Panel("offers", "site", "flexmarket/site_panel.html", own.site, order=40))
        demo_steps.add(DemoStep("offers", "Offers", demo.make_offers, order=40))
