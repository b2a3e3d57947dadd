"""Addresses of schedules, below `/o/<organization>/`."""

from django.urls import path

from optimization.views import PlanSite, ScheduleCharts, ScheduleCsv

urlpatterns = [
    path("sites/<slug:site>/plan/", PlanSite.as_view(), name="plan_site"),
    path("runs/<int:run>/charts.json", ScheduleCharts.as_view(), name="schedule_charts"),
    path("runs/<int:run>/schedule.csv", ScheduleCsv.as_view(), name="schedule_csv"),
]
