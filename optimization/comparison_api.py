"""How comparisons look in the API."""

from typing import Any

from rest_framework import serializers

FIGURE: dict[str, Any] = {
    "name": "total_cost_eur",
    "label": "Cost",
    "unit": "EUR",
    "before": 1.81,
    "after": 1.62,
    "difference": -0.19,
}
COMPARISON: dict[str, Any] = {"before": 5, "after": 6, "figures": [FIGURE]}
SITE_DIFFERENCE: dict[str, Any] = {
    "site": 1,
    "before_eur": 1.81,
    "after_eur": 1.62,
    "difference_eur": -0.19,
    "reasons": [],
}


class ComparedSerializer(serializers.Serializer[Any]):
    """A figure of two runs; null where a run does not have it."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    unit = serializers.CharField()
    before = serializers.FloatField(allow_null=True)
    after = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)


class ComparisonSerializer(serializers.Serializer[Any]):
    """Two runs side by side, by their ids."""

    before = serializers.IntegerField()
    after = serializers.IntegerField()
    figures = ComparedSerializer(many=True)


class SiteDifferenceSerializer(serializers.Serializer[Any]):
    """The cost of a site in two portfolio runs; null where it has no plan, then `reasons` say why."""

    site = serializers.IntegerField(source="site_id")
    before_eur = serializers.FloatField(source="before.cost_eur", default=None, allow_null=True)
    after_eur = serializers.FloatField(source="after.cost_eur", default=None, allow_null=True)
    difference_eur = serializers.FloatField(source="cost_difference_eur", allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())


class PortfolioComparisonSerializer(ComparisonSerializer):
    """Two portfolio runs: their sums, and their sites, the greatest difference first."""

    sites = SiteDifferenceSerializer(many=True)


class OptionsSerializer(serializers.Serializer[Any]):
    """Goal, and how a heuristic searches; what is left out holds as it is."""

    cost_weight = serializers.FloatField(required=False, help_text="Weight of cost in the goal")
    co2_eur_per_kg = serializers.FloatField(required=False, help_text="Price of CO2 in the goal")
    forecast_quantile = serializers.FloatField(
        required=False, help_text="0.1 to 0.9: demand that is not exceeded, and production that is reached, so often"
    )
    reserve_share = serializers.FloatField(
        required=False, help_text="0.5 to 0.99: the share of scenarios in which batteries do not run dry"
    )
    seed = serializers.IntegerField(required=False, help_text="Of a heuristic")
    evaluations = serializers.IntegerField(required=False, help_text="How many plans a heuristic looks at")
    population = serializers.IntegerField(required=False, help_text="Plans in a generation of a heuristic")
    block_minutes = serializers.FloatField(required=False, help_text="How finely a heuristic decides")
