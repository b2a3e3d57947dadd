"""What the portal asks for about devices and files."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from assets.models import Asset, Site
from telemetry.engine.mapping import CONSUMPTION, PRODUCTION
from telemetry.series_files import LARGEST_FILE, FileProblem, text_of

TEXT, SELECT = {"class": "form-control"}, {"class": "form-select"}


class CredentialForm(forms.Form):
    """For which site or device a credential is, and its name."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        help_text=_("Letters, digits, dashes and underscores"),
        widget=forms.TextInput(TEXT),
    )
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), widget=forms.Select(SELECT))
    asset = forms.CharField(
        label=_("Device"),
        required=False,
        max_length=100,
        help_text=_("Its name; empty for a gateway that sends for the whole site"),
        widget=forms.TextInput(TEXT),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites = Site.objects.select_related("organization")
        cast("forms.ModelChoiceField[Site]", self.fields["site"]).queryset = sites

    def clean(self) -> dict[str, Any]:
        """Find the device of the site.

        Raises:
            ValidationError: where the site has none of this name.
        """
        given = super().clean() or {}
        name, site = given.get("asset"), given.get("site")
        given["asset"] = None
        if name and site is not None:
            given["asset"] = Asset.objects.filter(site=site, name=name.strip()).first()
            if given["asset"] is None:
                names = Asset.objects.filter(site=site).order_by("name").values_list("name", flat=True)
                message = _("%(site)s has no device %(name)s; allowed: %(allowed)s.")
                values = {"site": site, "name": name, "allowed": ", ".join(names[:20])}
                raise ValidationError({"asset": ValidationError(message, params=values)})
        return given

    def take(self, error: ValidationError) -> None:
        """Show what a service found wrong, at the fields that it is about."""
        for name, messages in error.message_dict.items() if hasattr(error, "error_dict") else [(None, error.messages)]:
            for message in messages:
                self.add_error(name if name in self.fields else None, message)


class ImportForm(forms.Form):
    """A file with readings, or the text of the file that was just shown."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        help_text=_("CSV in UTF-8 or XLSX, at most 2 MB"),
        widget=forms.FileInput({"class": "form-control", "accept": ".csv,.xlsx,text/csv"}),
    )
    text = forms.CharField(required=False, widget=forms.HiddenInput, strip=False, max_length=LARGEST_FILE)
    sign = forms.ChoiceField(
        label=_("Production in the file is"),
        choices=[(CONSUMPTION, _("below zero, as everywhere here")), (PRODUCTION, _("above zero"))],
        widget=forms.Select(SELECT),
    )

    def clean(self) -> dict[str, Any]:
        """Take the text from the file where there is one.

        Raises:
            ValidationError: for no file, a large one, or one that cannot be read.
        """
        given = super().clean() or {}
        file = given.get("file")
        if file is not None:
            try:
                given["text"] = text_of(file.read(LARGEST_FILE + 1))
            except FileProblem as problem:
                raise ValidationError({"file": [each.message for each in problem.found]}) from problem
        if not given.get("text"):
            raise ValidationError({"file": _("Choose a file that is not empty.")})
        return given
