"""The language of a request."""

from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

API = "/api/"


class PortalLocaleMiddleware(LocaleMiddleware):
    """The visitor's language for pages; English for the API, whose words programs compare."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language."""
        if request.path_info.startswith(API):
            translation.activate("en")
            request.LANGUAGE_CODE = "en"
        else:
            super().process_request(request)
