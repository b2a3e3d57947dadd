"""How the OpenAPI description is drawn from what a resource declares: filters, keys, examples, errors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_parameter_type
from rest_framework import serializers

from flexplatform.api import idempotency
from flexplatform.api.errors import MEDIA_TYPE, TITLES
from flexplatform.api.filters import ORDERING
from flexplatform.api.pagination import NEWEST_FIRST, ordering_choices

JSON, CSV = "application/json", "text/csv"
IF_MATCH = "The ETag that the row had when it was read; the write happens only while it still has it"
KEY = "The same key gives the same answer and one effect; kept for 24 hours"
LIMIT_HEADERS = {
    "RateLimit-Limit": "Calls that the token has in a window",
    "RateLimit-Remaining": "Calls that are left in this window",
    "RateLimit-Reset": "Seconds until the next window",
}


@dataclass(frozen=True)
class Example:
    """What an operation is asked and what it answers, as JSON and, where it takes or gives CSV, as text."""

    request: Any = None
    answer: Any = None
    request_csv: str | None = None
    answer_csv: str | None = None


class FieldErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one field."""

    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error (RFC 9457) with the fields that it is about."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class LocalTimeField(OpenApiSerializerFieldExtension):
    """A time of the local clock; OpenAPI's own format `time` needs an offset from UTC."""

    target_class = "rest_framework.fields.TimeField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Return hours and minutes, with or without seconds."""
        return {"type": "string", "pattern": r"^\d\d:\d\d(:\d\d)?$"}


class ApiSchema(AutoSchema):
    """The description of one operation."""

    view: Any

    def is_excluded(self) -> bool:
        """Return whether nobody may use the operation."""
        return hasattr(self.view, "needs") and self.view.action not in self.view.needs

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation with its examples and its errors."""
        operation = super().get_operation(*args, **kwargs)
        if operation:
            self._add_examples(operation)
            self._add_headers(operation)
            operation["responses"] |= {str(code): self._problem(code) for code in self._error_codes(operation)}
        return operation

    def _get_filter_parameters(self) -> list[Any]:
        found = [*super()._get_filter_parameters(), *self._key_parameters()]
        if not self._is_list_view():
            return found
        for name, each in getattr(self.view, "filters", {}).items():
            found.append(build_parameter_type(name, dict(each.schema), "query", description=each.description))
        if self._get_paginator():
            choices = ordering_choices(self.view.orderings)
            schema = {"type": "string", "enum": choices, "default": NEWEST_FIRST}
            found.append(build_parameter_type(ORDERING, schema, "query"))
        return found

    def _key_parameters(self) -> Iterator[Any]:
        text = {"type": "string"}
        if self.method == "POST":
            view = self.view
            required = view.action in view.keyed | view.keyed_by_job
            schema = {**text, "minLength": 1, "maxLength": idempotency.LONGEST_KEY, "pattern": "^[!-~]+$"}
            yield build_parameter_type(idempotency.HEADER, schema, "header", required=required, description=KEY)
        if getattr(self.view, "guarded", False) and self.method in ("PATCH", "DELETE"):
            yield build_parameter_type("If-Match", text, "header", description=IF_MATCH)

    def _get_response_for_code(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._get_response_for_code(*args, **kwargs)
        for media_type, content in found.get("content", {}).items():
            if media_type == CSV:
                content["schema"] = {"type": "string"}
        return found

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        found = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.JSONField) and found:
            # Any JSON includes null, so "one of null and anything" would refuse null.
            found.pop("oneOf", None)
        return found

    def _add_examples(self, operation: dict[str, Any]) -> None:
        example = self._example()
        if example is None:
            return
        texts = {JSON: example.request, CSV: example.request_csv}
        _put(operation.get("requestBody", {}).get("content", {}), texts)
        for code, response in operation["responses"].items():
            if code.startswith("2"):
                answer = example.answer
                if self._is_list_view() and self._get_paginator() and isinstance(answer, dict):
                    answer = {"next": None, "previous": None, "results": [answer]}
                _put(response.get("content", {}), {JSON: answer, CSV: example.answer_csv})

    def _example(self) -> Example | None:
        found: Example | None = self.view.example_of(self.view.action) if hasattr(self.view, "example_of") else None
        return found

    def _add_headers(self, operation: dict[str, Any]) -> None:
        for response in operation["responses"].values():
            headers = response.setdefault("headers", {})
            for name, text in LIMIT_HEADERS.items():
                headers[name] = {"schema": {"type": "integer"}, "description": text}

    def _error_codes(self, operation: Mapping[str, Any]) -> list[int]:
        codes = {400, 401, 403, 406, 429}
        if "{" in self.path or self._is_list_view():
            codes.add(404)
        if self.method == "POST":
            codes |= {409}
        if self.method in ("POST", "PATCH"):
            codes |= {413, 415}
        if getattr(self.view, "guarded", False) and self.method in ("PATCH", "DELETE"):
            codes.add(412)
        return sorted(codes - {int(code) for code in operation["responses"]})

    def _problem(self, code: int) -> dict[str, Any]:
        component = self.resolve_serializer(ProblemSerializer, "response")
        body = {"type": "about:blank", "title": TITLES[code], "status": code, "detail": "What is wrong, in words."}
        return {
            "description": TITLES[code],
            "content": {MEDIA_TYPE: {"schema": component.ref, "example": body}},
        }


def _put(content: dict[str, Any], examples: Mapping[str, Any]) -> None:
    for media_type, value in examples.items():
        if media_type in content and value is not None:
            content[media_type]["example"] = value
