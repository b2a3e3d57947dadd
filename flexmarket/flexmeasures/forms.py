"""What the portal asks for about a FlexMeasures server."""

from django import forms
from django.utils.translation import gettext_lazy as _

from flexplatform.accounts.forms import PortalForm


class ServerForm(PortalForm):
    """Where it is, and as whom; the secret is never shown again, so its field is always empty."""

    url = forms.CharField(
        label=_("Address of the server"), max_length=200, help_text=_("Such as https://flexmeasures.example.com")
    )
    email = forms.EmailField(
        label=_("E-mail address of the account"),
        required=False,
        help_text=_("A user of its own with the role account-admin, without two-factor login; empty: a token"),
    )
    secret = forms.CharField(
        label=_("Password, or token"),
        required=False,
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("It is stored encrypted and not shown again; empty: the stored one stays"),
    )
