"""The API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The way in for programs; apps hand over their resources in `registry.api_resources`."""

    name = "flexplatform.api"
    label = "api"
