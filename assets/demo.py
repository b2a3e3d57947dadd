"""The part of the demo that needs no schedule."""

from assets.models import Portfolio
from flexplatform.registry import DemoContext, DemoProblem

PORTFOLIO_NAME = "Munich"


def make_portfolio(context: DemoContext) -> list[DemoProblem]:
    """Make the demo's portfolio unless there is one."""
    Portfolio.objects.get_or_create(organization=context.organization, name=PORTFOLIO_NAME)
    return []
