"""Addresses of telemetry, below `/o/<organization>/telemetry/`."""

from django.urls import path

from telemetry import completeness_views, history, panels, proposal_views, site_views, views

urlpatterns = [
    path("", views.LiveValues.as_view(), name="telemetry"),
    path("sites/<slug:site>/", history.SiteHistory.as_view(), name="site_history"),
    path("sites/<slug:site>/charts.json", history.SiteHistoryCharts.as_view(), name="site_history_charts"),
    path("refused/", views.DeadLetters.as_view(), name="dead_letters"),
    path("refused/<int:letter>/replay/", views.LetterReplay.as_view(), name="letter_replay"),
    path("refused/<int:letter>/discard/", views.LetterDiscard.as_view(), name="letter_discard"),
    path("sites/<slug:site>/live/", panels.SiteLive.as_view(), name="site_live"),
    path("devices/", views.DeviceCredentials.as_view(), name="device_credentials"),
    path("devices/<int:credential>/rotate/", views.CredentialRotate.as_view(), name="credential_rotate"),
    path("devices/<int:credential>/revoke/", views.CredentialRevoke.as_view(), name="credential_revoke"),
    path("complete/", completeness_views.Completeness.as_view(), name="completeness"),
    path("complete/<int:channel>/", completeness_views.ChannelCompleteness.as_view(), name="channel_completeness"),
    path("proposals/", proposal_views.Proposals.as_view(), name="channel_proposals"),
    path("proposals/<int:proposal>/accept/", proposal_views.ProposalAccept.as_view(), name="proposal_accept"),
    path("proposals/<int:proposal>/refuse/", proposal_views.ProposalRefuse.as_view(), name="proposal_refuse"),
    path("import/<slug:site>/", site_views.ReadingImportPage.as_view(), name="reading_import"),
]
