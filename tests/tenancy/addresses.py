"""Every address of the platform, and what is known about each; one line more here for one address more there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from flexplatform.accounts import permissions as p


@dataclass(frozen=True)
class Rule:
    """What an organization's address needs and answers: `ok` to a role that holds `permission`, else 403."""

    permission: str
    ok: int = 200
    method: str = "get"
    data: dict[str, Any] = field(default_factory=dict)


def post(permission: str, **data: Any) -> Rule:
    """Return the rule of an address that only takes POST and sends on."""
    return Rule(permission, ok=302, method="post", data=data)


TENANT: dict[str, Rule] = {
    "overview": Rule(p.VIEW_SITES),
    "site_map": Rule(p.VIEW_SITES),
    "map": Rule(p.VIEW_SITES),
    "map_site": Rule(p.VIEW_SITES),
    "overview_power": Rule(p.VIEW_SCHEDULES),
    "overview_flexibility": Rule(p.VIEW_OFFERS),
    "running_jobs": Rule(p.VIEW_JOBS),
    "site": Rule(p.VIEW_SITES),
    "tariffs": Rule(p.VIEW_TARIFFS),
    "tariff": Rule(p.VIEW_TARIFFS),
    "tariff_charts": Rule(p.VIEW_TARIFFS),
    "forecasts": Rule(p.VIEW_FORECASTS),
    "forecast_chart": Rule(p.VIEW_FORECASTS),
    "forecast_import": Rule(p.CHANGE_FORECASTS),
    "own_forecasts": Rule(p.VIEW_FORECASTS),
    "forecast_league": Rule(p.VIEW_FORECASTS),
    "forecast_all": post(p.CHANGE_FORECASTS),
    "choose_all": post(p.CHANGE_FORECASTS),
    "channel_forecast": Rule(p.VIEW_FORECASTS),
    "channel_forecast_charts": Rule(p.VIEW_FORECASTS),
    "channel_score_charts": Rule(p.VIEW_FORECASTS),
    "channel_forecast_change": post(p.CHANGE_FORECASTS, enabled="on", forced_model=""),
    "forecast_channel": post(p.CHANGE_FORECASTS),
    "choose_channel": post(p.CHANGE_FORECASTS),
    "providers": Rule(p.VIEW_FORECASTS),
    "weather_switch": post(p.MANAGE_PROVIDERS, weather="on"),
    "weather_fetch": post(p.CHANGE_FORECASTS),
    "price_feed_new": Rule(p.MANAGE_PROVIDERS, ok=422, method="post"),
    "prices_fetch": post(p.CHANGE_PRICES),
    "price_feed_delete": post(p.MANAGE_PROVIDERS),
    "provider_key_set": post(p.MANAGE_PROVIDERS, provider="entsoe", key="0123456789"),
    "provider_key_delete": post(p.MANAGE_PROVIDERS, provider="entsoe"),
    "telemetry": Rule(p.VIEW_TELEMETRY),
    "site_live": Rule(p.VIEW_TELEMETRY),
    "setpoints": Rule(p.VIEW_SETPOINTS),
    "setpoint_cancel": post(p.SEND_SETPOINTS),
    "dispatch_switch": post(p.SWITCH_DISPATCH, plans="on"),
    "dispatch_switch_site": post(p.SWITCH_DISPATCH, plans="off"),
    "dead_letters": Rule(p.VIEW_TELEMETRY),
    "letter_replay": post(p.CHANGE_TELEMETRY),
    "letter_discard": post(p.CHANGE_TELEMETRY),
    "completeness": Rule(p.VIEW_TELEMETRY),
    "channel_completeness": Rule(p.VIEW_TELEMETRY),
    "channel_proposals": Rule(p.MANAGE_DEVICES),
    "proposal_accept": post(p.MANAGE_DEVICES),
    "proposal_refuse": post(p.MANAGE_DEVICES),
    "reading_import": Rule(p.CHANGE_TELEMETRY),
    "device_credentials": Rule(p.MANAGE_DEVICES),
    "credential_rotate": Rule(p.MANAGE_DEVICES, method="post"),
    "credential_revoke": post(p.MANAGE_DEVICES),
    "plan_site": post(p.RUN_SCHEDULES, day="2026-11-22", key="k"),
    "portfolio_runs": Rule(p.VIEW_SCHEDULES),
    "portfolio_run": Rule(p.VIEW_SCHEDULES),
    "plan_new": Rule(p.RUN_SCHEDULES),
    "site_runs": Rule(p.VIEW_SCHEDULES),
    "run_choose": Rule(p.VIEW_SCHEDULES, ok=302),
    "run_compare": Rule(p.VIEW_SCHEDULES),
    "run_compare_charts": Rule(p.VIEW_SCHEDULES),
    "portfolio_choose": Rule(p.VIEW_SCHEDULES, ok=302),
    "portfolio_compare": Rule(p.VIEW_SCHEDULES),
    "plan_all_sites": post(p.RUN_SCHEDULES, day="2026-11-22", key="k"),
    "schedule_charts": Rule(p.VIEW_SCHEDULES),
    "site_history": Rule(p.VIEW_TELEMETRY),
    "site_history_charts": Rule(p.VIEW_TELEMETRY),
    "schedule_reasons": Rule(p.VIEW_SCHEDULES),
    "schedule_csv": Rule(p.VIEW_SCHEDULES),
    "offer_charts": Rule(p.VIEW_OFFERS),
    "offer_export": Rule(p.EXPORT_OFFERS),
    "offers": Rule(p.VIEW_OFFERS),
    "board_charts": Rule(p.VIEW_OFFERS),
    "board_quantify": post(p.RUN_SCHEDULES),
    "offers_quantify": post(p.RUN_SCHEDULES, method="exact"),
    "board_export": Rule(p.EXPORT_OFFERS),
    "flexmeasures": Rule(p.VIEW_SCHEDULES),
    "flexmeasures_server": post(p.MANAGE_PROVIDERS, url="https://fm.example.com", secret="0123456789"),
    "flexmeasures_switch": post(p.MANAGE_PROVIDERS, enabled="on"),
    "flexmeasures_forget": post(p.MANAGE_PROVIDERS),
    "flexmeasures_push": post(p.RUN_SCHEDULES),
    "scenarios": Rule(p.VIEW_SCHEDULES),
    "scenario_new": Rule(p.RUN_SCHEDULES),
    "scenario": Rule(p.VIEW_SCHEDULES),
    "scenario_delete": post(p.RUN_SCHEDULES),
    "scenario_choose": Rule(p.VIEW_SCHEDULES, ok=302),
    "scenario_compare": Rule(p.VIEW_SCHEDULES),
    "scenario_compare_charts": Rule(p.VIEW_SCHEDULES),
    "scenario_run": Rule(p.VIEW_SCHEDULES),
    "scenario_run_charts": Rule(p.VIEW_SCHEDULES),
    "scenario_archive": Rule(p.EXPORT_OFFERS),
    "market_products": Rule(p.VIEW_OFFERS),
    "product_new": Rule(p.CHANGE_PRODUCTS),
    "product": Rule(p.CHANGE_PRODUCTS),
    "product_delete": post(p.CHANGE_PRODUCTS),
    "contracts": Rule(p.VIEW_SETTLEMENT),
    "contract_new": Rule(p.CHANGE_PRODUCTS),
    "contract": Rule(p.CHANGE_PRODUCTS),
    "contract_delete": post(p.CHANGE_PRODUCTS),
    "rolling": Rule(p.VIEW_SCHEDULES),
    "rolling_new": Rule(p.SWITCH_DISPATCH),
    "rolling_rule": Rule(p.SWITCH_DISPATCH),
    "rolling_delete": post(p.SWITCH_DISPATCH),
    "rolling_switch": post(p.SWITCH_DISPATCH, enabled="off"),
    "market_offers": Rule(p.VIEW_OFFERS),
    "offers_change": post(p.SELL_OFFERS, action="revoke", offers="1"),
    "portfolio_offer": Rule(p.SELL_OFFERS),
    "market_offer": Rule(p.VIEW_OFFERS),
    "offer_chart": Rule(p.VIEW_OFFERS),
    "offer_order": Rule(p.PLACE_ORDERS, ok=422, method="post"),
    "offers_make": Rule(p.SELL_OFFERS),
    "orders": Rule(p.VIEW_OFFERS),
    "orders_upload": Rule(p.PLACE_ORDERS),
    "order": Rule(p.VIEW_OFFERS),
    "order_charts": Rule(p.VIEW_OFFERS),
    "order_meter": post(p.CLOSE_SETTLEMENT),
    "statements": Rule(p.VIEW_SETTLEMENT),
    "statements_draft": post(p.CLOSE_SETTLEMENT, month="2026-10"),
    "market_kpis": Rule(p.VIEW_SETTLEMENT),
    "statement": Rule(p.VIEW_SETTLEMENT),
    "statement_close": post(p.CLOSE_SETTLEMENT),
    "statement_file": Rule(p.VIEW_SETTLEMENT),
    "dispute_raise": Rule(p.VIEW_SETTLEMENT),
    "disputes": Rule(p.VIEW_SETTLEMENT),
    "dispute_answer": Rule(p.CLOSE_SETTLEMENT),
    "site_baselines": Rule(p.VIEW_SETTLEMENT),
    "jobs": Rule(p.VIEW_JOBS),
    "job": Rule(p.VIEW_JOBS),
    "job_cancel": post(p.CANCEL_JOBS),
    "members": Rule(p.VIEW_MEMBERS),
    "member_role": post(p.MANAGE_MEMBERS, role="viewer"),
    "member_deactivate": post(p.MANAGE_MEMBERS),
    "member_reactivate": post(p.MANAGE_MEMBERS),
    "member_remove": post(p.MANAGE_MEMBERS),
    "invitation_withdraw": post(p.MANAGE_MEMBERS),
    "tokens": Rule(p.USE_TOKENS),
    "token_new": Rule(p.USE_TOKENS),
    "token_revoke": post(p.USE_TOKENS),
    "audit": Rule(p.VIEW_AUDIT),
}

# Name -> status for a stranger, status for somebody who is signed in.
PLATFORM: dict[str, tuple[int, int]] = {
    "home": (302, 200),
    "login": (200, 302),
    "logout": (405, 405),
    "account": (302, 200),
    "password_change": (302, 200),
    "password_reset": (200, 200),
    "password_reset_done": (200, 200),
    "password_reset_complete": (200, 200),
    "password_reset_confirm": (200, 200),
    "invitation": (410, 410),
    "favicon": (302, 302),
    "set_language": (302, 302),
    "healthz": (200, 200),
    "metrics": (404, 404),
}

# Of the admin's own addresses; those of its models are walked by model.
ADMIN = {
    "index",
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "autocomplete",
    "jsi18n",
    "view_on_site",
    "app_list",
    "choose_organization",
}


@dataclass(frozen=True)
class Address:
    """A leaf of the URL configuration."""

    namespace: str
    name: str
    route: str
    view: Callable[..., Any]


def addresses() -> Iterator[Address]:
    """Yield every leaf of the URL configuration."""

    def walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Address]:
        for pattern in resolver.url_patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern, route, pattern.namespace or namespace)
            elif isinstance(pattern, URLPattern):
                yield Address(namespace, pattern.name or "", route, pattern.callback)

    yield from walk(get_resolver(), "/", "")


ALL = list(addresses())
TENANT_ROUTES = {found.name: found.route for found in ALL if found.route.startswith("/o/")}
PLATFORM_ROUTES = {
    found.name: found.route for found in ALL if not found.namespace and not found.route.startswith(("/o/", "/api/"))
}
ADMIN_ROUTES = {found.name: found.route for found in ALL if found.namespace == "admin"}
