"""Addresses of dispatch, below `/o/<organization>/dispatch/`."""

from django.urls import path

from telemetry import setpoint_views as views

urlpatterns = [
    path("", views.Setpoints.as_view(), name="setpoints"),
    path("<int:setpoint>/cancel/", views.SetpointCancel.as_view(), name="setpoint_cancel"),
    path("plans/", views.DispatchSwitch.as_view(), name="dispatch_switch"),
    path("plans/<slug:site>/", views.DispatchSwitch.as_view(), name="dispatch_switch_site"),
]
