"""Where the machine's Chromium is."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "Tests in the browser need Chromium, and there is none on the PATH: they are skipped."


def find_chromium() -> str | None:
    """Return the program, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)
