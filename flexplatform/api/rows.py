"""Resources that are rows of a table, written by services and guarded against lost updates."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django.db import models, transaction
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from flexplatform.api.base import TenantViewSet
from flexplatform.api.schema import Example
from flexplatform.api.serializers import RowSerializer


class PreconditionFailed(exceptions.APIException):
    """A row that somebody else changed since the caller read it."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The row has changed since it was read: its ETag is not the one in If-Match."


class RowViewSet(TenantViewSet):
    """List, read, create, change and delete the rows of one table.

    Answers of single rows carry an `ETag`; a write with `If-Match` happens only while it still holds. `sample` holds
    the values of a row that the description shows as example.
    """

    model: ClassVar[type[models.Model]]
    guarded = True
    sample: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def example_of(cls, action: str) -> Example | None:
        """Return the example of an action: the sample row, as it is sent and as it is answered."""
        serializer = cast("Any", cls.serializer_class)()
        answer = {"id": 1, **cls.sample}
        values = {name: cls.sample[name] for name in cls.sample if not serializer.fields[name].read_only}
        if action == "create":
            return Example(request=values, answer=answer)
        if action == "partial_update":
            return Example(request={"name": values["name"]} if "name" in values else values, answer=answer)
        return Example(answer=answer) if action in ("list", "retrieve") else super().example_of(action)

    def get_queryset(self) -> models.QuerySet[Any]:
        """Return the organization's rows."""
        return self.model._default_manager.all()

    def list(self, request: Request) -> Response:
        """Answer a page of rows."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one row."""
        return self.answer(self.get_object())

    def create(self, request: Request) -> Response:
        """Make a row."""
        return self.answer(self.make(self._values(request)), status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: int) -> Response:
        """Change some columns of a row."""
        with transaction.atomic():
            row = self._matching(request)
            return self.answer(self.change(row, self._values(request, row)))

    def destroy(self, request: Request, pk: int) -> Response:
        """Delete a row that nothing needs any more."""
        with transaction.atomic():
            self.remove(self._matching(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def answer(self, row: models.Model, code: int = status.HTTP_200_OK) -> Response:
        """Return the answer with one row and its ETag."""
        data = self.get_serializer(row).data
        return Response(data, code, headers={"ETag": _etag(data)})

    @abstractmethod
    def make(self, values: dict[str, Any]) -> models.Model:
        """Store a new row."""

    @abstractmethod
    def change(self, row: Any, values: dict[str, Any]) -> models.Model:
        """Change a stored row."""

    @abstractmethod
    def remove(self, row: Any) -> None:
        """Delete a stored row."""

    def _values(self, request: Request, row: models.Model | None = None) -> dict[str, Any]:
        serializer = self.get_serializer(row, data=request.data, partial=row is not None)
        serializer.is_valid(raise_exception=True)
        return cast("RowSerializer", serializer).values

    def _matching(self, request: Request) -> models.Model:
        wanted = request.headers.get("If-Match")
        if wanted is not None:
            # Held until the end of the transaction, so that of two writes with one ETag the second is refused.
            held = self.model._default_manager.select_for_update(of=("self",))
            held.filter(pk=self.kwargs["pk"]).values_list("pk").first()
        row: models.Model = self.get_object()
        if wanted not in (None, "*", _etag(self.get_serializer(row).data)):
            raise PreconditionFailed
        return row


def _etag(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
