"""What devices sign in with at the broker, in the API."""

from collections.abc import Callable
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.models import Asset, Site
from flexplatform.accounts import permissions
from flexplatform.api.base import TenantViewSet
from flexplatform.api.filters import row
from flexplatform.api.schema import Example
from telemetry.models import DeviceCredential
from telemetry.services import create_credential, revoke_credential, rotate_credential

CREDENTIAL = {
    "id": 1,
    "site": 1,
    "asset": 2,
    "name": "roof",
    "username": "a.roof",
    "created_at": "2026-11-21T09:00:00Z",
    "rotated_at": None,
    "revoked_at": None,
}
ASKED = {"site": 1, "name": "roof"}
WITH_PASSWORD = {**CREDENTIAL, "password": "shown-only-this-once"}


class DeviceCredentialSerializer(serializers.ModelSerializer[DeviceCredential]):
    """A user name at the broker, for one device or, where `asset` is null, for all of a site."""

    site = serializers.IntegerField(source="site_id")
    asset = serializers.IntegerField(source="asset_id", allow_null=True)

    class Meta:
        model = DeviceCredential
        fields = [*CREDENTIAL]
        read_only_fields = fields


class NewCredentialSerializer(serializers.Serializer[Any]):
    """A credential to make."""

    site = serializers.IntegerField()
    asset = serializers.IntegerField(required=False, allow_null=True, help_text="Without it: all of the site")
    name = serializers.CharField(max_length=60, help_text="Letters, digits, dashes and underscores")


class CredentialWithPasswordSerializer(DeviceCredentialSerializer):
    """A credential with its password, which nobody can read again."""

    password = serializers.CharField()

    class Meta:
        model = DeviceCredential
        fields = [*WITH_PASSWORD]
        read_only_fields = fields


class DeviceCredentialViewSet(TenantViewSet):
    """What devices sign in with at the MQTT broker; the broker knows of a change within seconds."""

    serializer_class = DeviceCredentialSerializer
    needs = dict.fromkeys(("list", "retrieve", "create", "rotate", "revoke"), permissions.MANAGE_DEVICES)
    filters = {"site": row("site", Site), "asset": row("asset", Asset)}
    orderings = ("name",)
    examples = {
        "list": Example(answer=CREDENTIAL),
        "retrieve": Example(answer=CREDENTIAL),
        "create": Example(request=ASKED, answer=WITH_PASSWORD),
        "rotate": Example(answer=WITH_PASSWORD),
        "revoke": Example(answer={**CREDENTIAL, "revoked_at": "2026-11-21T10:00:00Z"}),
    }

    def _once(self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any) -> Response:
        """Handle a POST; its answer is not kept for a key, as passwords are stored nowhere in clear."""
        return handler(request, *args, **kwargs)

    def get_queryset(self) -> "QuerySet[DeviceCredential]":
        """Return the organization's credentials."""
        return DeviceCredential.objects.all()

    def list(self, request: Request) -> Response:
        """Answer a page of credentials."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, pk: int) -> Response:
        """Answer one credential."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=NewCredentialSerializer, responses={201: CredentialWithPasswordSerializer})
    def create(self, request: Request) -> Response:
        """Make a credential; its password is in this answer only."""
        form = NewCredentialSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        site = cast("Site", self.own_row("site", asked["site"], Site.objects.select_related("organization")))
        asset = None
        if asked.get("asset") is not None:
            asset = cast("Asset", self.own_row("asset", asked["asset"], Asset.objects.select_related("site")))
        credential, password = create_credential(site=site, asset=asset, name=asked["name"])
        return _shown(credential, password, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=CredentialWithPasswordSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: int) -> Response:
        """Give a credential a new password, which is in this answer only."""
        return _shown(*rotate_credential(credential=self.get_object()))

    @extend_schema(request=None, responses=DeviceCredentialSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: int) -> Response:
        """Let a credential open nothing from now on."""
        return Response(self.get_serializer(revoke_credential(credential=self.get_object())).data)


def _shown(credential: DeviceCredential, password: str, code: int = status.HTTP_200_OK) -> Response:
    data = {**DeviceCredentialSerializer(credential).data, "password": password}
    return Response(data, code, headers={"Cache-Control": "no-store"})
