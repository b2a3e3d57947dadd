"""Addresses of telemetry, below `/o/<organization>/telemetry/`."""

from django.urls import path

from telemetry import views

urlpatterns = [
    path("", views.LiveValues.as_view(), name="telemetry"),
    path("refused/", views.DeadLetters.as_view(), name="dead_letters"),
    path("refused/<int:letter>/replay/", views.LetterReplay.as_view(), name="letter_replay"),
    path("refused/<int:letter>/discard/", views.LetterDiscard.as_view(), name="letter_discard"),
    path("devices/", views.DeviceCredentials.as_view(), name="device_credentials"),
    path("devices/<int:credential>/rotate/", views.CredentialRotate.as_view(), name="credential_rotate"),
    path("devices/<int:credential>/revoke/", views.CredentialRevoke.as_view(), name="credential_revoke"),
]
