"""Tables that are made at once are the tables that single operations make, and can be taken back."""

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from flexplatform.at_once import AtOnce

TABLES = {"house_room", "house_door"}
ROOM = migrations.CreateModel("Room", [("id", models.BigAutoField(primary_key=True))])
DOOR = migrations.CreateModel(
    "Door",
    [("id", models.BigAutoField(primary_key=True)), ("room", models.ForeignKey("house.Room", models.CASCADE))],
)
OPERATION = AtOnce([ROOM, DOOR])


def tables() -> set[str]:
    return TABLES & set(connection.introspection.table_names())


@pytest.mark.django_db(transaction=True)
def test_tables_come_and_go_together() -> None:
    before, after = ProjectState(), ProjectState()
    OPERATION.state_forwards("house", after)
    with connection.schema_editor() as editor:
        OPERATION.database_forwards("house", editor, before, after)
    assert tables() == TABLES
    with connection.schema_editor() as editor:
        OPERATION.database_backwards("house", editor, after, before)
    assert tables() == set()


def test_models_rendered_before_know_what_is_new() -> None:
    state = ProjectState()
    assert not state.apps.get_models()
    OPERATION.state_forwards("house", state)
    assert {model.__name__ for model in state.apps.get_models()} == {"Room", "Door"}


def test_it_can_be_written_again() -> None:
    name, arguments, named = OPERATION.deconstruct()
    assert (name, arguments, named) == ("AtOnce", [], {"operations": [ROOM, DOOR]})
    assert OPERATION.describe() == "Create model Room; Create model Door"
