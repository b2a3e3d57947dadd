"""Who may enter the admin site, and whose rows are seen there."""

from typing import Any

from django.contrib import admin
from django.db import models, transaction
from django.http import HttpRequest

from flexplatform.accounts import audit
from flexplatform.accounts.models import Membership, Organization
from flexplatform.accounts.permissions import CHANGE_SITES

SESSION_KEY = "admin_organization"


def own_memberships(request: Any) -> list[Membership]:
    """Return the active memberships of an active user with their organizations, asked once per request."""
    if not hasattr(request, "own_memberships"):
        found = Membership.objects.select_related("organization").filter(user=request.user.pk, is_active=True)
        request.own_memberships = list(found) if request.user.is_active else []
    return list(request.own_memberships)


def admin_organizations(request: Any) -> list[Organization]:
    """Return whose rows the admin shows, asked once per request.

    A member sees the organizations that the role lets configure. Platform staff see the one they have entered; before
    that, the only one they are a member of, or none.
    """
    if not hasattr(request, "admin_organizations"):
        own = [membership.organization for membership in own_memberships(request) if membership.may(CHANGE_SITES)]
        if request.user.is_active and request.user.is_superuser:
            chosen = Organization.objects.filter(pk=request.session.get(SESSION_KEY)).first()
            own = [chosen] if chosen else own if len(own) == 1 else []
        request.admin_organizations = own
    return list(request.admin_organizations)


@transaction.atomic
def enter_organization(*, request: Any, organization: Organization) -> None:
    """Let platform staff act inside this organization from now on, and leave a trace of it there."""
    audit.record(organization=organization, action="admin.enter", instance=organization)
    request.session[SESSION_KEY] = organization.pk


class OrganizationFilter(admin.SimpleListFilter):
    """Filters by organization among those that the admin shows."""

    title = "organization"
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the visible organizations."""
        self.path = model_admin.organization_path
        return [(str(organization.pk), organization.name) for organization in admin_organizations(request)]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Return the rows of the chosen organization."""
        known = {str(organization.pk) for organization in admin_organizations(request)}
        if self.value() is None:
            return queryset
        return queryset.filter(**{self.path: self.value()}) if self.value() in known else queryset.none()


class TenantAdmin(admin.ModelAdmin):
    """Rows of the organizations that the admin shows; every write leaves an audit event.

    `organization_path` leads from a row to its organization, by attribute names joined with two underscores.
    """

    organization_path = "organization"

    def organization_of(self, row: Any) -> Organization:
        """Return whose row it is."""
        for name in self.organization_path.split("__"):
            row = getattr(row, name)
        return row

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the admin shows any organization."""
        return bool(admin_organizations(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the row, or any, may be seen."""
        return self._may(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether a row may be added."""
        return self._may(request, None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the row, or any, may be changed."""
        return self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the row, or any, may be deleted."""
        return self._may(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the visible organizations only; other tenant tables filter themselves by the scope."""
        if db_field.related_model is Organization:
            visible = [organization.pk for organization in admin_organizations(request)]
            kwargs["queryset"] = Organization.objects.filter(pk__in=visible)
            if len(visible) == 1:
                kwargs["initial"] = visible[0]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the row and what changed."""
        stored = self.model._default_manager.filter(pk=obj.pk).first() if change else None
        before = audit.snapshot(stored) if stored is not None else None
        super().save_model(request, obj, form, change)
        self._record("change" if change else "create", obj, before, audit.snapshot(obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row and store what it was."""
        self._record("delete", obj, audit.snapshot(obj), None)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Delete the rows and store what they were."""
        with transaction.atomic():
            for row in queryset:
                self._record("delete", row, audit.snapshot(row), None)
            super().delete_queryset(request, queryset)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Store the rows below the row, each with what changed."""
        stored = {row.pk: audit.snapshot(row) for row in formset.get_queryset()} if change else {}
        organization = self.organization_of(form.instance)
        super().save_formset(request, form, formset, change)
        for row in formset.new_objects:
            self._record("create", row, None, audit.snapshot(row), organization)
        for row, _names in formset.changed_objects:
            self._record("change", row, stored.get(row.pk), audit.snapshot(row), organization)
        for row in formset.deleted_objects:
            self._record("delete", row, audit.snapshot(row), None, organization)

    def _may(self, request: HttpRequest, obj: Any) -> bool:
        visible = admin_organizations(request)
        return bool(visible) if obj is None else self.organization_of(obj) in visible

    def _record(
        self,
        verb: str,
        row: Any,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
        organization: Organization | None = None,
    ) -> None:
        if before is not None and after is not None:
            before, after = audit.changed(before, after)
            if not after:
                return
        action = f"{row._meta.model_name}.{verb}"
        organization = organization or self.organization_of(row)
        audit.record(organization=organization, action=action, instance=row, before=before, after=after)


class TenantInline(admin.TabularInline):
    """Rows below a row of `TenantAdmin`, open to whoever may change that row."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the admin shows any organization."""
        return bool(admin_organizations(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the admin shows any organization."""
        return bool(admin_organizations(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the admin shows any organization."""
        return bool(admin_organizations(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the admin shows any organization."""
        return bool(admin_organizations(request))


class TenantRecordAdmin(TenantAdmin):
    """Tenant rows to look at: what the platform itself recorded."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False
