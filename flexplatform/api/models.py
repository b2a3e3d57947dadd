"""Answers that are kept, so that a request that is sent again has no second effect."""

from typing import ClassVar

from django.db import models
from django_scopes import ScopedManager

from flexplatform.accounts.models import ApiToken, Organization

LONGEST_KEY = 200


class StoredAnswer(models.Model):
    """The answer to a POST with an `Idempotency-Key`; the row is claimed in the transaction of the work.

    Requests that start work are not here: their key is in the `Job`.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=LONGEST_KEY)
    request = models.CharField(max_length=500, help_text="Method and path")
    body_hash = models.CharField(max_length=64, help_text="SHA-256 of the request's body and its content type")
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True, help_text="The answer as JSON")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["StoredAnswer"]] = ScopedManager(organization="organization")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["created_at"], name="stored_answer_age")]
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="stored_answer_key_unique")]

    def __str__(self) -> str:
        return f"{self.request} ({self.key})"
