"""Addresses of jobs, below `/o/<organization>/jobs/`."""

from django.urls import path

from flexplatform.jobs.views import JobCancel, JobList, JobPage, RunningJobs

urlpatterns = [
    path("", JobList.as_view(), name="jobs"),
    path("running/", RunningJobs.as_view(), name="running_jobs"),
    path("<int:job>/", JobPage.as_view(), name="job"),
    path("<int:job>/cancel/", JobCancel.as_view(), name="job_cancel"),
]
