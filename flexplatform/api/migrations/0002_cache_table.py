"""The table of the cache that all processes share where there is no Redis."""

from typing import Any

from django.core.management import call_command
from django.db import migrations


def make(_apps: Any, schema_editor: Any) -> None:
    """Make the table unless it is there."""
    call_command("createcachetable", "cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("api", "0001_stored_answers")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
