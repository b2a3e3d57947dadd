"""What django-axes asks for: whose login was tried, and the answer after too many tries."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def attempted_email(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """Return the e-mail address of a login attempt in its stored form, so that letter case opens no way around."""
    value = (credentials or {}).get("username") or (request.POST.get("username") if request else "") or ""
    return str(value).strip().lower()


def locked_out(request: HttpRequest, _credentials: dict[str, Any] | None = None) -> HttpResponse:
    """Answer 429 with a page that says how long to wait."""
    return render(request, "registration/locked_out.html", status=429)
