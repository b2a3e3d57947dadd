"""A folder of results that is written completely or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from optimization.scenarios.errors import InputError

SUMMARY = "summary.json"
MADE_BY = "flexplatform run_scenario"
OURS = (SUMMARY, "schedule.csv", "schedule.xlsx", "offers", "plots")


def check_folder(folder: Path) -> None:
    """Refuse a folder in which results would overwrite something that no earlier run has written.

    Raises:
        InputError: names what stands there, also for a folder that cannot be written.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not os.access(existing, os.W_OK):
        raise InputError(str(folder), "cannot be written", "a writable folder")
    if not folder.exists():
        return
    allowed = "a new folder, or one of an earlier run"
    if not folder.is_dir():
        raise InputError(str(folder), "not a folder", allowed)
    present = [name for name in OURS if (folder / name).exists()]
    if present and not _made_by_us(folder / SUMMARY):
        raise InputError(str(folder), f"holds {present[0]}, which no earlier run has written", allowed)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files, by path within `folder`; those of an earlier run are replaced, all else there stays.

    Everything is first written beside the folder and then moved, so that a failure leaves what was there before.

    Raises:
        InputError: where the folder cannot be written.
    """
    check_folder(folder)
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.absolute().parent) as work:
            new, old = Path(work) / "new", Path(work) / "old"
            for name, data in files.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            if folder.exists():
                _exchange(folder, new, old)
            else:
                new.rename(folder)
    except OSError as error:
        place = str(folder)
        raise InputError(
            place, f"cannot be written ({error.strerror}), nothing written", "a writable folder"
        ) from error
    return [folder / name for name in files]


def write_new_file(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, with the folders above it.

    Raises:
        InputError: where it exists or cannot be written.
    """
    allowed = "the name of a new file in a writable folder"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise InputError(str(path), f"cannot be written ({error.strerror})", allowed) from error


def _made_by_us(summary: Path) -> bool:
    try:
        content = json.loads(summary.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("made_by") == MADE_BY


def _exchange(folder: Path, new: Path, old: Path) -> None:
    """Move the results of an earlier run out and the new ones in; undo both if that fails half-way."""
    old.mkdir()
    try:
        for name in OURS:
            if (folder / name).exists():
                (folder / name).rename(old / name)
        for path in new.iterdir():
            path.rename(folder / path.name)
    except BaseException:
        for path in old.iterdir():
            _remove(folder / path.name)
            path.rename(folder / path.name)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
