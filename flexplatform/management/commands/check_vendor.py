"""Verify the vendored files."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flexplatform import vendor


class Command(BaseCommand):
    """Compares flexplatform/static/vendor with the hashes of its VENDOR.toml; fails where they differ."""

    help = "Verify that the vendored files are those of VENDOR.toml."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Report every difference."""
        found = list(vendor.problems())
        if found:
            raise CommandError("\n".join(found))
        self.stdout.write("All vendored files are as VENDOR.toml declares them.")
