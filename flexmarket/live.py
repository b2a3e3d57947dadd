"""Pages that show how far a job is which their address names: `?job=`."""

from typing import Any

from django.http import HttpResponse
from django.views.generic.base import TemplateResponseMixin

from flexplatform.jobs.models import Job
from flexplatform.portal.views import OrganizationMixin


class JobOnPageMixin(TemplateResponseMixin, OrganizationMixin):
    """A page whose part `live` asks for itself while the `job` of its context runs; then the page is loaded anew."""

    def job_in_address(self, kind: str, **asked: Any) -> Job | None:
        """Return the job of the address if it is one of this kind and input, else None."""
        text = self.request.GET.get("job", "")
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            return None
        jobs = Job.objects.filter(organization=self.organization, kind=kind, **asked)
        return jobs.filter(pk=int(text)).first()

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Answer the page."""
        response = super().render_to_response(context, **kwargs)
        job = context["job"]
        if self.request.headers.get("HX-Request") and (job is None or job.finished):
            response["HX-Refresh"] = "true"
        return response
