"""Pages of jobs."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.generic import ListView, TemplateView

from flexplatform.accounts import permissions
from flexplatform.jobs.models import Job
from flexplatform.jobs.panels import running
from flexplatform.jobs.queries import may_cancel, visible_jobs
from flexplatform.jobs.services import cancel
from flexplatform.portal.views import FragmentMixin, OrganizationMixin


class JobMixin(OrganizationMixin):
    """Finds jobs of the organization among the kinds that the role may view."""

    permission = permissions.VIEW_JOBS

    def jobs(self) -> QuerySet[Job]:
        """Return what the member may see."""
        return visible_jobs(self.organization, self.tenant_request.membership)

    def job(self) -> Job:
        """Return the job of the address; one of another organization does not exist here."""
        return get_object_or_404(self.jobs(), pk=self.kwargs["job"])


class JobList(JobMixin, FragmentMixin, ListView):
    """Every job, newest first; the list brings itself up to date while something on it is unfinished."""

    template_name = "jobs/list.html"
    fragment_name = "jobs/list_body.html"
    context_object_name = "jobs"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[Job]:
        """Return what the member may see."""
        return self.jobs()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the jobs and whether any of them is unfinished."""
        context = super().get_context_data(**kwargs)
        return {**context, "unfinished": any(not job.finished for job in context["jobs"])}


class RunningJobs(JobMixin, TemplateView):
    """The unfinished jobs as the overview shows them, which asks for them again and again."""

    template_name = "jobs/running_panel.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the jobs."""
        return super().get_context_data(**kwargs, panel=running(self.tenant_request, self.organization))


class JobPage(JobMixin, FragmentMixin, TemplateView):
    """One job: how far it is, what it made, or why it failed; up to date by itself until the job has ended."""

    template_name = "jobs/job.html"
    fragment_name = "jobs/job_body.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the job and whether the member may stop it."""
        job = self.job()
        cancellable = may_cancel(job, self.tenant_request.membership)
        return super().get_context_data(**{**kwargs, "job": job, "may_cancel": cancellable})


class JobCancel(JobMixin):
    """Stops a job."""

    permission = permissions.CANCEL_JOBS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Cancel, then show the job; a job that has ended meanwhile stays as it is."""
        job = self.job()
        if not job.finished:
            if not may_cancel(job, self.tenant_request.membership):
                raise PermissionDenied
            job = cancel(job=job)
            if not job.finished:
                messages.info(request, _("The job was asked to stop."))
        return redirect("job", self.organization.slug, job.pk)
