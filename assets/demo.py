"""The part of the demo that needs no schedule."""

from assets.models import Portfolio
from flexplatform.registry import DemoContext, DemoProblem


def make_portfolio(context: DemoContext) -> list[DemoProblem]:
    """Make the region's portfolio unless there is one."""
    Portfolio.objects.get_or_create(organization=context.organization, name=context.region)
    return []
