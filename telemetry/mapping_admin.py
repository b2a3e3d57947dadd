"""Admin of mappings: rules below each, a preview of what the last messages would become, and presets."""

import re
from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from flexplatform.accounts.admin_access import OrganizationFilter, TenantAdmin, TenantInline, admin_organizations
from flexplatform.accounts.models import Organization
from telemetry.engine.mapping import MappingProblem, MappingSpec, Rule
from telemetry.engine.presets import PRESETS
from telemetry.engine.topics import mapped_prefix
from telemetry.models import DeviceCredential, MappingRule
from telemetry.services.mapping_preview import preview_mapping
from telemetry.services.mappings import apply_preset

RULE = re.compile(r"rules-(\d{1,3})-quantity")
LONGEST_ID = 18


class MappingRuleInline(TenantInline):
    """The rules of a mapping."""

    model = MappingRule
    extra = 1
    formfield_overrides: ClassVar[Any] = {models.CharField: {"widget": forms.TextInput(attrs={"size": 14})}}


class PresetForm(forms.Form):
    """Which preset, for the messages of which credential."""

    credential = forms.ModelChoiceField(
        DeviceCredential.objects.none(), help_text="Whose messages the mappings are for"
    )
    preset = forms.ChoiceField(choices=[(each.name, each.label) for each in PRESETS.values()])

    def __init__(self, organizations: list[Organization], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        active = DeviceCredential.objects.filter(organization__in=organizations, revoked_at=None)
        cast("forms.ModelChoiceField[Any]", self.fields["credential"]).queryset = active


class MappingAdmin(TenantAdmin):
    """How messages of devices with a language of their own become readings."""

    list_display = ("name", "credential", "topic", "is_active")
    list_filter = (OrganizationFilter, "is_active")
    list_select_related = ("credential", "organization")
    search_fields = ("name", "topic", "credential__username")
    fields = ("organization", "credential", "name", "topic", "time_path", "is_active")
    inlines = (MappingRuleInline,)
    change_form_template = "admin/telemetry/mapping_change_form.html"
    change_list_template = "admin/telemetry/mapping_change_list.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a stored mapping in its organization."""
        return () if obj is None else ("organization",)

    def get_urls(self) -> list[URLPattern]:
        """Return Django's addresses, the preview and the presets."""
        view = self.admin_site.admin_view
        return [
            path("preview/", view(self.preview_view), name="telemetry_mapping_preview"),
            path("preset/", view(self.preset_view), name="telemetry_mapping_preset"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the form as it stands would make of the last messages; nothing is stored."""
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        given = request.POST
        context: dict[str, Any] = {}
        organization = _organization(request, given)
        if organization is None:
            context["problem"] = "Choose an organization."
        else:
            try:
                context["messages"] = preview_mapping(
                    organization=organization, spec=_spec(given), credential=_credential(given, organization)
                )
            except MappingProblem as problem:
                context["problem"] = f"{problem.field}: {problem}"
        return TemplateResponse(request, "admin/telemetry/mapping_preview.html", context)

    def preset_view(self, request: HttpRequest) -> HttpResponse:
        """Make the mappings of a preset for a credential."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PresetForm(admin_organizations(request), request.POST or None)
        if request.method == "POST" and form.is_valid():
            credential, preset = form.cleaned_data["credential"], PRESETS[form.cleaned_data["preset"]]
            try:
                made = apply_preset(organization=credential.organization, credential=credential, preset=preset)
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                setting = preset.setting.replace("<prefix>", mapped_prefix(credential.username).rstrip("/"))
                self.message_user(request, f"{len(made)} mappings for {preset.label}. On the device: {setting}")
                return redirect("admin:telemetry_mapping_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "Add mappings from a preset",
            "opts": self.model._meta,
            "form": form,
            "presets": PRESETS.values(),
        }
        return TemplateResponse(request, "admin/telemetry/mapping_preset.html", context)


def _organization(request: HttpRequest, given: QueryDict) -> Organization | None:
    """Return the organization of the form among those that the admin shows; the only one where it names none."""
    visible = admin_organizations(request)
    asked = given.get("organization", "")
    if not asked and len(visible) == 1:
        return visible[0]
    return next((each for each in visible if str(each.pk) == asked), None)


def _credential(given: QueryDict, organization: Organization) -> DeviceCredential | None:
    asked = given.get("credential", "")
    if not asked.isascii() or not asked.isdigit() or len(asked) > LONGEST_ID:
        return None
    return DeviceCredential.objects.filter(organization=organization, pk=int(asked)).first()


def _spec(given: QueryDict) -> MappingSpec:
    """Return the mapping that a form of the admin holds, stored or not."""
    numbers = sorted(int(found[1]) for name in given if (found := RULE.fullmatch(name)))
    rules = [_rule(given, f"rules-{number}-") for number in numbers if given.get(f"rules-{number}-quantity")]
    return MappingSpec(
        name=given.get("name", ""),
        topic=given.get("topic", ""),
        time_path=given.get("time_path", ""),
        rules=[rule for rule in rules if rule is not None],
    )


def _rule(given: QueryDict, prefix: str) -> Rule | None:
    if given.get(f"{prefix}DELETE"):
        return None
    return Rule(
        **{name: given.get(prefix + name, "").strip() for name in ("quantity", "asset", "path", "unit", "sign")}
    )
