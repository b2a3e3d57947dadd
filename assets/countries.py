"""Countries by their codes of ISO 3166-1 alpha-2, and in which of them a time zone is, as the tz database says."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from django.core.exceptions import ValidationError


@cache
def codes() -> frozenset[str]:
    """Return the codes of all countries."""
    return frozenset(code for code, *_ in _lines("iso3166.tab"))


def country_of(time_zone: str) -> str:
    """Return the country of an IANA time zone; empty for zones of none, such as UTC."""
    return _by_zone().get(time_zone, "")


def validate_country(value: str) -> None:
    """Refuse what is no country's code.

    Raises:
        ValidationError: with the value and what is allowed.
    """
    if value not in codes():
        raise ValidationError(
            "%(value)s is no country; allowed: two capital letters of ISO 3166-1, such as DE.", params={"value": value}
        )


@cache
def _by_zone() -> dict[str, str]:
    return {zone: code for code, _, zone, *_ in _lines("zone.tab")}


def _lines(table: str) -> Iterator[list[str]]:
    for line in files("tzdata").joinpath("zoneinfo", table).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
