"""Users, organizations, memberships."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who may do what for which organization."""

    name = "flexplatform.accounts"
    label = "accounts"
