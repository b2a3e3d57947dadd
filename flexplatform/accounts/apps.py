"""Users, organizations, memberships."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who may do what for which organization."""

    name = "flexplatform.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Register the pages and their links."""
        from flexplatform.accounts import permissions
        from flexplatform.registry import NavigationEntry, Route, navigation, routes

        routes.add(Route("accounts", "", "flexplatform.accounts.urls", order=70))
        navigation.add(NavigationEntry("members", "Members", "members", permissions.VIEW_MEMBERS, order=90))
        navigation.add(NavigationEntry("tokens", "API tokens", "tokens", permissions.USE_TOKENS, order=91))
        navigation.add(NavigationEntry("audit", "Audit", "audit", permissions.VIEW_AUDIT, order=92))
