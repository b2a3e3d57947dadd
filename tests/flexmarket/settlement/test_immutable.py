"""What a closed statement rests on cannot be written any more, by no way that the models have."""

from collections.abc import Callable, Iterator

import pytest
import time_machine

from flexmarket.models import Delivery, Statement, StatementLine
from flexmarket.models.immutable import ImmutableError
from flexmarket.settlement.metering import meter_order
from flexmarket.settlement.statements import close_statement, draft_statements
from flexplatform.accounts.scoping import organization_scope
from tests.conftest import People
from tests.flexmarket.settlement.calls import CALL, NOW, a_call, a_product, measured

Write = Callable[[], object]


@pytest.fixture(autouse=True)
def in_a(people: People, acts: None) -> Iterator[None]:
    with organization_scope(people.a), time_machine.travel(NOW, tick=False):
        yield


def drafted(people: People) -> Statement:
    order = a_call(people.a, a_product(people.a))
    measured(order.offer.site, CALL, [2.0] * 4)
    meter_order(order=order)
    return draft_statements(organization=people.a, month=CALL.date())[0]


def writes(statement: Statement) -> dict[str, Write]:
    line = StatementLine.objects.get(statement=statement)
    delivery = Delivery.objects.get(lines=line)
    statement.refresh_from_db()
    found: dict[str, Write] = {}
    for row in (statement, line, delivery):
        name, model = type(row).__name__, type(row)
        found |= {
            f"{name}.save": lambda row=row: row.save(),
            f"{name}.delete": lambda row=row: row.delete(),
            f"{name}.update": lambda model=model: model.objects.filter(amount__gte=-1).update(amount=1),
            f"{name}.rows.delete": lambda model=model: model.objects.all().delete(),
            f"{name}.bulk_update": lambda row=row, model=model: model.objects.bulk_update([row], ["amount"]),
        }
    found["lines"] = lambda: statement.lines.all().delete()
    found["line.create"] = lambda: StatementLine.objects.create(statement=statement, delivery=delivery)
    return found


def test_what_was_closed_never_changes(people: People) -> None:
    statement = drafted(people)
    close_statement(statement=statement)
    for write in writes(statement).values():
        with pytest.raises(ImmutableError, match="never changes"):
            write()
    statement.refresh_from_db()
    assert (statement.state, statement.amount, statement.lines.count()) == ("closed", 2, 1)


def test_a_draft_changes_as_often_as_wanted(people: People) -> None:
    statement = drafted(people)
    statement.save()
    StatementLine.objects.filter(statement=statement).update(owner_amount=1)
    assert draft_statements(organization=people.a, month=CALL.date()) == [statement]
    assert statement.lines.get().owner_amount == 0
