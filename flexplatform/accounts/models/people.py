"""Users who sign in by e-mail, organizations, and who works for which in what role."""

import zoneinfo
from functools import cache
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower

from flexplatform.accounts.permissions import PERMISSIONS, Role


@cache
def _time_zones() -> frozenset[str]:
    # Found by walking a folder of some 600 files, which takes longer than all other checks of a row.
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(value: str) -> None:
    """Refuse a name that is no IANA time zone."""
    if value not in _time_zones():
        raise ValidationError("%(value)s is not an IANA time zone such as Europe/Berlin.", params={"value": value})


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address; addresses differ only by more than their letter case."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """Create a user; without a password the user cannot sign in by password."""
        user = self.model(email=email.strip().lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """Create a user who may enter the admin site."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **extra})

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this e-mail address in any letter case."""
        return self.get(email__iexact=(username or "").strip())


class User(AbstractUser):
    """A person, known by e-mail address."""

    username = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case")]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Bring the address into its stored form."""
        super().clean()
        self.email = self.email.strip().lower()


class Organization(models.Model):
    """A tenant: everything but users belongs to exactly one."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True, help_text="Part of every address: /o/<slug>/")
    time_zone = models.CharField(max_length=64, default="Europe/Berlin", validators=[validate_time_zone])
    country = models.CharField(
        max_length=2,
        default="DE",
        validators=[RegexValidator(r"^[A-Z]{2}$", "Use the two capital letters of ISO 3166.")],
        help_text="ISO 3166 code, such as DE",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in an organization."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    is_active = models.BooleanField("active", default=True, help_text="Without it the user has no access here")

    class Meta:
        ordering = ["organization__name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "organization"], name="membership_unique"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.get_role_display()} of {self.organization}"

    @property
    def permissions(self) -> frozenset[str]:
        """The named permissions of permissions.py that the membership gives now."""
        return PERMISSIONS[Role(self.role)] if self.is_active else frozenset()

    def may(self, permission: str) -> bool:
        """Return whether the membership gives the named permission."""
        return permission in self.permissions
