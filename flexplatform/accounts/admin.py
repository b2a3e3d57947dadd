"""Admin of users, organizations, memberships and tokens; audit events to read."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django_scopes import scopes_disabled

from flexplatform.accounts import audit, services
from flexplatform.accounts.admin_access import (
    OrganizationFilter,
    TenantAdmin,
    TenantRecordAdmin,
    admin_organizations,
    own_memberships,
)
from flexplatform.accounts.forms import OrganizationTokenForm
from flexplatform.accounts.models import ApiToken, AuditEvent, Membership, Organization, User
from flexplatform.accounts.permissions import MANAGE_MEMBERS, MANAGE_TOKENS, USE_TOKENS, VIEW_AUDIT

admin.site.unregister(Group)


class PlatformAdmin(admin.ModelAdmin):
    """Rows of the whole platform, for its staff; kept for good, because audit events name them."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the row and what changed."""
        stored = self.model._default_manager.filter(pk=obj.pk).first() if change else None
        before = audit.snapshot(stored) if stored is not None else None
        super().save_model(request, obj, form, change)
        after: dict[str, Any] = audit.snapshot(obj)
        if before is not None:
            before, after = audit.changed(before, after)
        if after:
            self.record(obj, f"{obj._meta.model_name}.{'change' if change else 'create'}", before, after)

    def record(self, obj: Any, action: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Store an event where the owners of each organization concerned see it."""
        raise NotImplementedError

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class RoleBoundAdmin(TenantAdmin):
    """Tenant rows that more than the right to configure sites is needed for."""

    permission: str

    def _may(self, request: HttpRequest, obj: Any) -> bool:
        if not super()._may(request, obj):
            return False
        if getattr(request.user, "is_superuser", False):
            return True
        wanted = admin_organizations(request) if obj is None else [self.organization_of(obj)]
        allowed = [each.organization for each in own_memberships(request) if each.may(self.permission)]
        return all(organization in allowed for organization in wanted)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the role includes these rows."""
        return self._may(request, None)


class UserCreationForm(BaseUserCreationForm):
    """Asks for the e-mail address in place of a user name."""

    class Meta:
        model = User
        fields = ("email",)


class UserEditForm(UserChangeForm):
    """Keeps the account of an organization's last active owner open."""

    def clean_is_active(self) -> bool:
        """Refuse to close an account that an organization needs."""
        active: bool = self.cleaned_data["is_active"]
        if not active and User.objects.filter(pk=self.instance.pk, is_active=True).exists():
            try:
                services.require_other_owners(user=self.instance)
            except ValidationError as error:
                raise ValidationError(error.messages) from error
        return active


@admin.register(User)
class FlexUserAdmin(PlatformAdmin, UserAdmin):
    """Users by e-mail address; their memberships are a page of their own."""

    form = UserEditForm
    add_form = UserCreationForm
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_active", "is_superuser")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Person", {"fields": ("first_name", "last_name")}),
        ("Rights", {"fields": ("is_active", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def record(self, obj: User, action: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Store the event in each organization of the person."""
        audit.record_of_person(person=obj, action=action, before=before, after=after)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Set a password, and record that it was set."""
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == 302:
                user = User.objects.get(pk=id)
                audit.record_of_person(person=user, action="user.password")
        return response


@admin.register(Organization)
class OrganizationAdmin(PlatformAdmin):
    """Tenants."""

    list_display = ("name", "slug", "time_zone", "country")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    def record(self, obj: Organization, action: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Store the event in the organization itself."""
        audit.record(organization=obj, action=action, instance=obj, before=before, after=after)


@admin.register(Membership)
class MembershipAdmin(RoleBoundAdmin):
    """Who works for the organization; written by the same services as in the portal."""

    permission = MANAGE_MEMBERS
    list_display = ("user", "organization", "role", "is_active")
    list_filter = (OrganizationFilter, "role", "is_active")
    list_select_related = ("user", "organization")
    search_fields = ("user__email",)
    raw_id_fields = ("user",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Return the members of the visible organizations."""
        return super().get_queryset(request).filter(organization__in=admin_organizations(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep person and organization of a membership as they are."""
        return ("user", "organization") if obj is not None else ("is_active",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave adding to platform staff, who see every user; owners invite in the portal."""
        return bool(getattr(request.user, "is_superuser", False)) and super().has_add_permission(request)

    def get_actions(self, request: HttpRequest) -> Any:
        """Offer none: each removal is checked by itself."""
        return {}

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what a service refuses in words."""
        return self._in_words(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what a service refuses in words."""
        return self._in_words(request, super().delete_view, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Add the member, or change role and access."""
        if not change:
            obj.pk = services.add_member(organization=obj.organization, user=obj.user, role=obj.role).pk
            return
        services.change_role(membership=obj, role=obj.role)
        if "is_active" in form.changed_data:
            (services.reactivate_member if obj.is_active else services.deactivate_member)(membership=obj)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """Remove the member."""
        services.remove_member(membership=obj)

    def _in_words(self, request: HttpRequest, view: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ValidationError as error:
            for message in error.messages:
                messages.error(request, message)
            return redirect(request.path)


@admin.register(ApiToken)
class ApiTokenAdmin(RoleBoundAdmin, TenantRecordAdmin):
    """Tokens to look at, to make for oneself and to revoke; the clear text is shown once."""

    permission = MANAGE_TOKENS
    list_display = ("name", "key", "organization", "created_by", "state", "expires_at", "last_used_at")
    list_filter = (OrganizationFilter,)
    list_select_related = ("organization", "created_by")
    search_fields = ("name", "key", "created_by__email")
    exclude = ("digest",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is a member somewhere in sight, as a token does what its maker may."""
        return self._may(request, None) and bool(_makers(request))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Make a token by the service of the portal, and show its clear text once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = OrganizationTokenForm(request.POST or None, memberships=_makers(request))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "New API token", "form": form}
        if form.is_valid():
            try:
                token, text = services.create_token(created_by=cast("User", request.user), **form.cleaned_data)
            except ValidationError as error:
                form.take(error)
            else:
                context |= {"title": f"API token {token.name}", "token": token, "text": text}
        return TemplateResponse(request, "admin/accounts/token_new.html", context)

    @admin.action(description="Revoke the chosen tokens", permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke tokens for good."""
        for token in queryset:
            services.revoke_token(token=token)
        messages.success(request, "The chosen tokens are revoked.")


def _makers(request: HttpRequest) -> list[Membership]:
    shown = admin_organizations(request)
    return [each for each in own_memberships(request) if each.organization in shown and each.may(USE_TOKENS)]


@admin.register(AuditEvent)
class AuditEventAdmin(RoleBoundAdmin, TenantRecordAdmin):
    """The record, to read; platform staff also read what concerned no organization."""

    permission = VIEW_AUDIT
    list_display = ("at", "actor_label", "door", "action", "object_label", "organization")
    list_filter = (OrganizationFilter, "door")
    list_select_related = ("organization",)
    search_fields = ("actor_label", "action", "object_label")
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """Return the events of the visible organizations, and for staff those of the platform."""
        if not getattr(request.user, "is_superuser", False):
            return super().get_queryset(request)
        with scopes_disabled():
            return (
                super()
                .get_queryset(request)
                .filter(Q(organization=None) | Q(organization__in=admin_organizations(request)))
            )

    def _may(self, request: HttpRequest, obj: AuditEvent | None) -> bool:
        if getattr(request.user, "is_superuser", False) and (obj is None or obj.organization is None):
            return True
        return super()._may(request, obj)
