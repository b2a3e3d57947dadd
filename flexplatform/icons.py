"""The portal's icons: those of Tabler that are used, in one sprite that browsers keep."""

import re
from functools import lru_cache
from pathlib import Path

SPRITE = "vendor/tabler/icons.svg"
SPRITE_FILE = Path(__file__).resolve().parent / "static" / SPRITE


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Return the names of the icons that the sprite holds."""
    return frozenset(re.findall(r'<symbol id="([^"]+)"', SPRITE_FILE.read_text()))


def sprite(outlines: Path, wanted: frozenset[str]) -> str:
    """Return a sprite of the wanted icons, from the folder `icons/outline` of the npm package `@tabler/icons`.

    Raises:
        FileNotFoundError: an icon has no file of its name in the folder.
    """
    symbols = [_symbol(outlines / f"{name}.svg") for name in sorted(wanted)]
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>", ""])


def _symbol(file: Path) -> str:
    shapes = re.findall(r"<(?!svg)[a-z]+ [^>]*/>", file.read_text())
    visible = "".join(shape.replace(" />", "/>") for shape in shapes if 'stroke="none"' not in shape)
    return f'<symbol id="{file.stem}" viewBox="0 0 24 24">{visible}</symbol>'
