"""File names for devices of any name."""

import re

from hypothesis import given
from hypothesis import strategies as st

from flexmarket.engine.exporters.file_names import file_stems


def test_plain_names_stay_as_they_are() -> None:
    assert file_stems(["pv", "bat", "hp-2"]) == {"pv": "pv", "bat": "bat", "hp-2": "hp-2"}


def test_unsafe_names_become_safe() -> None:
    stems = file_stems(["../../etc/passwd", "Wallbox (links)", "...", "a;b\n=c"])
    assert list(stems.values()) == ["etc_passwd", "Wallbox_links", "device", "a_b_c"]


def test_names_that_look_the_same_get_a_number() -> None:
    stems = file_stems(["bat 1", "bat/1", "BAT_1", "bat_1-2"])
    assert list(stems.values()) == ["bat_1", "bat_1-2", "BAT_1-3", "bat_1-2-2"]


@given(st.sets(st.text(max_size=80), max_size=6))
def test_every_name_gets_a_stem_of_its_own(names: set[str]) -> None:
    stems = file_stems(sorted(names))
    assert set(stems) == names
    assert len({stem.casefold() for stem in stems.values()}) == len(names)
    for stem in stems.values():
        assert re.fullmatch(r"[\w-]+", stem)
        assert len(stem) <= 60
