"""The part of the demo that lets its devices send, and its plans be sent to them."""

from assets.models import Asset, Site
from flexplatform.registry import DemoContext, DemoProblem
from telemetry.models import PlanDispatch
from telemetry.services import switch_plans
from telemetry.simulation.passwords import make_credentials


def make_devices(context: DemoContext) -> list[DemoProblem]:
    """Give the devices of the demo credentials, and turn on that plans are sent, unless somebody has switched that."""
    sites = list(Site.objects.filter(organization=context.organization).select_related("organization"))
    assets = Asset.objects.filter(site__in=sites).select_related("site__organization")
    make_credentials([*((site, None) for site in sites), *((asset.site, asset) for asset in assets)])
    if not PlanDispatch.objects.filter(organization=context.organization, site=None).exists():
        switch_plans(organization=context.organization, enabled=True)
    return []
