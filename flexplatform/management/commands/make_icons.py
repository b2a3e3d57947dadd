"""Make the sprite of icons again, with more icons or from a newer package."""

import hashlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from flexplatform import icons


class Command(BaseCommand):
    """Writes the sprite from an unpacked npm package `@tabler/icons` and prints its hash for VENDOR.toml."""

    help = "Make the sprite of icons from the folder icons/outline of the npm package @tabler/icons."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the folder and the names to add."""
        parser.add_argument("outlines", type=Path, help="the folder icons/outline of the unpacked package")
        parser.add_argument("add", nargs="*", help="names of icons to add to those of the sprite")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the sprite with the icons that it has and those to add."""
        known = icons.names() if icons.SPRITE_FILE.exists() else frozenset()
        try:
            text = icons.sprite(options["outlines"], known | set(options["add"]))
        except FileNotFoundError as error:
            raise CommandError(f"There is no icon {error.filename}.") from error
        icons.SPRITE_FILE.write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.stdout.write(f'"{icons.SPRITE.removeprefix("vendor/")}" = "{digest}"')
