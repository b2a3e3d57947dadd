from collections.abc import Iterator

import pytest

from flexplatform.accounts.audit import acting
from flexplatform.accounts.models import Door
from tests.conftest import People


@pytest.fixture
def as_alice(people: People) -> Iterator[People]:
    with acting(people.alice, Door.PORTAL, "192.0.2.1"):
        yield people
