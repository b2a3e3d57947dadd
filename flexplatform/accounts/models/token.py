"""Tokens of the API."""

from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django_scopes import ScopedManager

from flexplatform.accounts.models.people import Organization, User
from flexplatform.accounts.permissions import DELEGABLE


def validate_networks(value: Any) -> None:
    """Refuse anything but a list of networks such as 192.0.2.0/24."""
    if not isinstance(value, list):
        raise ValidationError("Give a list of networks such as 192.0.2.0/24.")
    for network in value:
        try:
            ip_network(network if isinstance(network, str) else "")
        except ValueError as error:
            raise ValidationError(
                "%(value)s is not a network such as 192.0.2.0/24 or 2001:db8::/32.", params={"value": network}
            ) from error


def validate_permissions(value: Any) -> None:
    """Refuse anything but a list of permissions that a token may hold."""
    if not isinstance(value, list) or not value:
        raise ValidationError("Choose at least one permission.")
    for name in value:
        if name not in DELEGABLE:
            raise ValidationError("%(value)s is not a permission that a token may hold.", params={"value": name})


class ApiToken(models.Model):
    """A key of a program to one organization; of its secret only a keyed digest is stored.

    `granted` is what it may do now: its permissions as far as its creator holds them, set by `authenticate_token`.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100, help_text="What the token is for, such as the program that uses it")
    key = models.CharField(max_length=32, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    permissions = models.JSONField(default=list, validators=[validate_permissions])
    allowed_networks = models.JSONField(
        default=list, blank=True, validators=[validate_networks], help_text="Empty: the token works from everywhere"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: the token does not expire")
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    granted: frozenset[str] = frozenset()

    objects: ClassVar[models.Manager["ApiToken"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} (flx_{self.key})"

    def state(self, now: datetime | None = None) -> str:
        """Return `revoked`, `expired` or `active`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= (now or timezone.now()):
            return "expired"
        return "active"

    def may(self, permission: str) -> bool:
        """Return whether the token holds the permission and its creator still does; False before it was proven."""
        return permission in self.granted

    def allows_address(self, ip: str | None) -> bool:
        """Return whether the token may be used from this address."""
        if not self.allowed_networks:
            return True
        try:
            address = ip_address(ip or "")
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return _inside(mapped or address, self.allowed_networks)


def _inside(address: Any, networks: Iterable[str]) -> bool:
    return any(address in ip_network(network) for network in networks)
