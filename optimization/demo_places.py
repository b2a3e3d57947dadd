"""Where the demo's sites stand: a place per named scenario in each region."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a demo site stands and what it is called."""

    name: str
    address: str
    latitude: float
    longitude: float


PLACES: dict[str, dict[str, Place]] = {
    "Munich": {
        "hp": Place("Heat pump house Sendling", "Sendling, Munich", 48.1180, 11.5400),
        "pv": Place("PV house Pasing", "Pasing, Munich", 48.1490, 11.4610),
        "bat": Place("Battery house Dachau", "Dachau", 48.2590, 11.4350),
        "ev": Place("EV house Trudering", "Trudering, Munich", 48.1160, 11.6690),
        "simple_house": Place("Simple house Germering", "Germering", 48.1340, 11.3660),
        "residential_house": Place("Residential house Ismaning", "Ismaning", 48.2260, 11.6720),
        "mini_apartment": Place("Small apartment Schwabing", "Schwabing, Munich", 48.1640, 11.5860),
        "apartment": Place("Apartment Haidhausen", "Haidhausen, Munich", 48.1290, 11.6000),
        "colony": Place("Residential colony Garching", "Garching", 48.2510, 11.6510),
    },
    "Hamburg": {
        "ev": Place("EV house Ottensen", "Ottensen, Hamburg", 53.5530, 9.9220),
        "simple_house": Place("Terraced house Wilhelmsburg", "Wilhelmsburg, Hamburg", 53.4960, 10.0130),
        "residential_house": Place("Residential house Blankenese", "Blankenese, Hamburg", 53.5580, 9.8080),
    },
}
