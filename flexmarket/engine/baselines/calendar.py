"""Which days are working days: Monday to Friday, without the public holidays of a whole country."""

from collections.abc import Container
from datetime import date
from functools import cache


def is_working(day: date, country: str = "") -> bool:
    """Tell whether a day is a working day in a country (ISO 3166 alpha-2; none, or one not known: no holidays)."""
    return day.weekday() < 5 and day not in _holidays(country, day.year)


@cache
def _holidays(country: str, year: int) -> Container[date]:
    # Takes a while, and most processes never settle anything.
    import holidays

    if country not in holidays.list_supported_countries():
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year))
