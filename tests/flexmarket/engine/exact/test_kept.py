"""How many offers of each method can be kept: on shipped scenarios, in steps of an hour to be quick."""

from collections import Counter

import pytest

from flexmarket.engine.exact import OfferTerms
from tests.benchmarks.kept_offers import count_kept, planned

TERMS = OfferTerms(durations=(1, 4))


@pytest.mark.parametrize(
    ("scenario", "fewest_broken"),
    [("simple_house", 10), ("residential_house", 8), ("ev", 1), ("hp", 0), ("colony", 10)],
)
def test_every_exact_offer_can_be_kept_and_many_others_cannot(scenario: str, fewest_broken: int) -> None:
    found = count_kept(*planned(scenario, 60), TERMS)
    total: Counter[tuple[str, str]] = Counter()
    for (method, _, what), count in found.items():
        total[method, what] += count
    assert total["exact", "made"] > 0
    assert total["exact", "broken"] == 0
    assert total["opentumflex", "broken"] >= fewest_broken
    assert total["opentumflex", "broken"] <= total["opentumflex", "made"]
