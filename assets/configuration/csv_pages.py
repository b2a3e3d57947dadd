"""Import of a table from CSV with a preview of what is wrong, and its export."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from assets.configuration.base import ConfiguredAdmin
from assets.csv_files import LARGEST_FILE, TABLES, write
from assets.services import import_csv
from assets.services.imports import Import
from flexplatform.accounts.admin_access import admin_organizations
from flexplatform.accounts.models import Organization


class ImportForm(forms.Form):
    """A file, or the text of the file that was just shown, and the organization that gets its rows."""

    organization = forms.ModelChoiceField(Organization.objects.none(), empty_label=None)
    file = forms.FileField(required=False, help_text=f"CSV in UTF-8, at most {LARGEST_FILE // 1_000_000} MB")
    text = forms.CharField(required=False, widget=forms.HiddenInput, strip=False)

    def __init__(self, organizations: list[Organization], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField[Any]", self.fields["organization"])
        field.queryset = Organization.objects.filter(pk__in=[each.pk for each in organizations])
        field.initial = organizations[0].pk if organizations else None

    def clean(self) -> dict[str, Any]:
        """Take the text from the file where there is one."""
        given = super().clean() or {}
        file = given.get("file")
        if file is not None:
            if file.size > LARGEST_FILE:
                raise ValidationError({"file": f"The file has {file.size} bytes; allowed: {LARGEST_FILE}."})
            try:
                given["text"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise ValidationError({"file": "The file is not in UTF-8; allowed: a CSV file in UTF-8."}) from error
        if not given.get("text"):
            raise ValidationError({"file": "Choose a CSV file that is not empty."})
        return given


class CsvAdmin(ConfiguredAdmin):
    """A table that is imported and exported as CSV; `csv_table` names it in `assets.csv_files.TABLES`."""

    csv_table: str
    change_list_template = "admin/assets/csv_change_list.html"
    actions: list[str] = ["export_selected"]

    def get_urls(self) -> list[URLPattern]:
        """Return Django's addresses and those of the files."""
        name = self.model._meta.model_name
        view = self.admin_site.admin_view
        return [
            path("import/", view(self.import_view), name=f"assets_{name}_import"),
            path("export/", view(self.export_view), name=f"assets_{name}_export"),
            *super().get_urls(),
        ]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a file would do, row by row; write it when asked to and every row is right."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(admin_organizations(request), request.POST or None, request.FILES or None)
        result: Import | None = None
        if request.method == "POST" and form.is_valid():
            preview = "import" not in request.POST
            organization, text = form.cleaned_data["organization"], form.cleaned_data["text"]
            try:
                result = import_csv(organization=organization, table=self.csv_table, data=text, preview=preview)
            except ValidationError as error:
                form.add_error("file", error.messages)
            if result is not None and result.done:
                counted = {"added": "create", "changed": "change", "as before": "keep"}
                said = ", ".join(f"{result.count(action)} {word}" for word, action in counted.items())
                self.message_user(request, f"Imported: {said}.")
                return redirect(f"admin:assets_{self.model._meta.model_name}_changelist")
        table = TABLES[self.csv_table]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Import {self.model._meta.verbose_name_plural}",
            "opts": self.model._meta,
            "form": form,
            "result": result,
            "text": form.cleaned_data.get("text", "") if result else "",
            "columns": [
                (name, getattr(field, "help_text", ""), name in table.needed) for name, field in table.fields.items()
            ],
            "export": reverse(f"admin:assets_{self.model._meta.model_name}_export"),
        }
        return TemplateResponse(request, "admin/assets/import.html", context)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Answer all rows as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._file(self.get_queryset(request))

    @admin.action(description="Export selected as CSV")
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Answer the selected rows as a file."""
        return self._file(queryset)

    def csv_rows(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with all that a file shows of them."""
        return queryset

    def _file(self, queryset: QuerySet[Any]) -> HttpResponse:
        text = write(TABLES[self.csv_table], self.csv_rows(queryset))
        headers = {"Content-Disposition": f'attachment; filename="{self.csv_table}.csv"'}
        return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
