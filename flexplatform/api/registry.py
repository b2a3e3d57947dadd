"""The resources of the API, handed over by apps from their `apps.py`."""

from dataclasses import dataclass

from rest_framework.viewsets import ViewSetMixin

from flexplatform.registry import Registry


@dataclass(frozen=True)
class ApiResource:
    """A resource served at `/api/v1/<name>/`; a slash in the name becomes a dash in the names of its routes."""

    name: str
    viewset: type[ViewSetMixin]
    order: int = 50


api_resources: Registry[ApiResource] = Registry()
