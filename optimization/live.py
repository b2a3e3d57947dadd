"""Pages that follow a job: htmx brings a part of them up to date until the job has ended."""

from typing import Any

from django.http import HttpResponse
from django.views.generic.base import TemplateResponseMixin, View


class LiveMixin(TemplateResponseMixin, View):
    """A page whose element `live` asks for itself; once its `job` has ended, the page is loaded one last time."""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Answer the page."""
        response = super().render_to_response(context, **kwargs)
        if self.request.headers.get("HX-Request") and context["job"].finished:
            response["HX-Refresh"] = "true"
        return response
