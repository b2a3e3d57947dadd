"""Dead letters in the API."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import moment, same
from flexplatform.api.schema import Example
from telemetry.models import DeadLetter
from telemetry.services import discard_letter, replay_letter

LETTER = {
    "id": 1,
    "source": "flex/v1/a/home/battery/soc_percent",
    "reason": "value is 140; allowed for soc_percent: 0 to 100.",
    "raw": '{"ts":"2026-11-21T12:00:00Z","value":140}',
    "size": 41,
    "count": 3,
    "first_at": "2026-11-21T12:00:01Z",
    "last_at": "2026-11-21T12:10:01Z",
}
REPLAYED = {"stored": 1, "known": 0}


class DeadLetterSerializer(serializers.ModelSerializer[DeadLetter]):
    """A message that was refused, why, and how often it came; `raw` is its first kilobyte."""

    raw = serializers.CharField(source="text")
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()

    class Meta:
        model = DeadLetter
        fields = [*LETTER]
        read_only_fields = fields


class ReplayedSerializer(serializers.Serializer[Any]):
    """How many readings of a message were new, and how many known."""

    stored = serializers.IntegerField()
    known = serializers.IntegerField()


class DeadLetterViewSet(TenantViewSet):
    """Messages of devices that were refused."""

    serializer_class = DeadLetterSerializer
    needs = {
        "list": permissions.VIEW_TELEMETRY,
        "retrieve": permissions.VIEW_TELEMETRY,
        "replay": permissions.CHANGE_TELEMETRY,
        "destroy": permissions.CHANGE_TELEMETRY,
    }
    filters = {"source": same("source"), "since": moment("last_at__gte", "Came last at this time or later")}
    orderings = ("last_at", "count")
    examples = {
        "list": Example(answer=LETTER),
        "retrieve": Example(answer=LETTER),
        "replay": Example(answer=REPLAYED),
    }

    def get_queryset(self) -> "QuerySet[DeadLetter]":
        """Return the organization's letters."""
        return DeadLetter.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of letters."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one letter."""
        return Response(self.get_serializer(self.get_object()).data)

    def destroy(self, request: Request, pk: int) -> Response:
        """Put a letter away."""
        discard_letter(letter=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ReplayedSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: int) -> Response:
        """Take a message again, once the reason of its refusal is gone; the letter is gone then too."""
        result = replay_letter(letter=self.get_object())
        return Response({"stored": result.new, "known": result.known})
