"""What of FlexMeasures an operator is told on the overview."""

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _

from flexmarket.models import FlexMeasuresServer
from flexplatform.accounts.requests import TenantRequest
from flexplatform.registry import Alert


def alerts(request: TenantRequest) -> Iterable[Alert]:
    """Yield that the last push failed; one query."""
    server = FlexMeasuresServer.objects.filter(organization=request.organization, enabled=True).first()
    if server is not None and server.is_failing:
        page = reverse("flexmeasures", args=[request.organization.slug])
        yield Alert("warning", _("The last push to FlexMeasures failed"), page)
