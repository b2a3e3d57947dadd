"""Every address of the platform; the apps' own come from the registry and live below `/o/<organization>/`."""

from django.contrib import admin
from django.contrib.auth.views import (
    LoginView,
    LogoutView,
    PasswordResetCompleteView,
    PasswordResetDoneView,
)
from django.urls import include, path
from django.views.i18n import set_language

from flexplatform.accounts.views.own import (
    Account,
    AnswerInvitation,
    PasswordChange,
    PasswordReset,
    PasswordResetConfirm,
)
from flexplatform.operations.metrics import metrics
from flexplatform.portal.health import healthz
from flexplatform.portal.views import Favicon, Home, Overview
from flexplatform.registry import routes

urlpatterns = [
    path("", Home.as_view(), name="home"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", Account.as_view(), name="account"),
    path("account/password/", PasswordChange.as_view(), name="password_change"),
    path("password-reset/", PasswordReset.as_view(), name="password_reset"),
    path("password-reset/sent/", PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("password-reset/done/", PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("password-reset/<str:uidb64>/<str:token>/", PasswordResetConfirm.as_view(), name="password_reset_confirm"),
    path("invitation/<str:text>/", AnswerInvitation.as_view(), name="invitation"),
    path("language/", set_language, name="set_language"),
    path("favicon.ico", Favicon.as_view(), name="favicon"),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("flexplatform.api.urls")),
    path("o/<slug:organization>/", Overview.as_view(), name="overview"),
    *(path(f"o/<slug:organization>/{route.prefix}", include(route.urlconf)) for route in routes),
]
