"""Users, organizations, memberships."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who may do what for which organization."""

    name = "flexplatform.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Register the pages and their links."""
        from flexplatform.accounts import permissions
        from flexplatform.registry import NavigationEntry, Route, navigation, routes

        routes.add(Route("accounts", "", "flexplatform.accounts.urls", order=70))
        for entry in (
            NavigationEntry("members", _("Members"), "members", permissions.VIEW_MEMBERS, 90, "users", "organization"),
            NavigationEntry("tokens", _("API tokens"), "tokens", permissions.USE_TOKENS, 91, "key", "organization"),
            NavigationEntry("audit", _("Audit"), "audit", permissions.VIEW_AUDIT, 92, "history", "organization"),
        ):
            navigation.add(entry)
