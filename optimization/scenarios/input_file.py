"""What a file brings, and the doors to read, write and convert one, whatever its format."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from optimization.scenarios import csv_format, xlsx_format
from optimization.scenarios.cells import Row
from optimization.scenarios.content import Content
from optimization.scenarios.errors import InputError, Place

MAX_BYTES = 5_000_000


@dataclass(frozen=True)
class Format:
    """A file format: how its bytes become content (with the file's name for errors), and back.

    `tables` returns the rows as they stand in the file, by the name of their sheet, for people who look for an error.
    """

    read: Callable[[bytes, Place], Content]
    write: Callable[[Content], bytes]
    tables: Callable[[bytes, Place], dict[str, list[Row]]]


FORMATS: Mapping[str, Format] = {
    "csv": Format(csv_format.read, csv_format.write, csv_format.tables_of),
    "xlsx": Format(xlsx_format.read, xlsx_format.write, xlsx_format.tables_of),
}
FORMATS_ALLOWED = f"a file name ending in {' or '.join(f'.{suffix}' for suffix in FORMATS)}"


def format_of(path: Path) -> Format:
    """Return the format that a file name's ending stands for.

    Raises:
        InputError: for any other ending.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise InputError(path.name, f"unknown ending {path.suffix!r}" if suffix else "no ending", FORMATS_ALLOWED)
    return FORMATS[suffix]


def read_file(path: Path) -> Content:
    """Return the content of a CSV or XLSX file.

    Raises:
        InputError: for a file that cannot be read, is too large, or whose content is wrong; says where and how.
    """
    return format_of(path).read(_bounded_bytes(path), Place(file=path.name))


def read_bytes(data: bytes, name: str) -> Content:
    """Return the content of an uploaded file.

    Raises:
        InputError: as `read_file`.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(name, len(data))
    return format_of(Path(name)).read(data, Place(file=name))


def tables_of(data: bytes, name: str) -> dict[str, list[Row]]:
    """Return the rows of an uploaded file by sheet ("" in a CSV file), right or wrong; empty for what is no table."""
    try:
        return format_of(Path(name)).tables(data, Place(file=name)) if len(data) <= MAX_BYTES else {}
    except InputError:
        return {}


def _bounded_bytes(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK a named pipe would block here for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(path.name, "not a file", FORMATS_ALLOWED)
            if status.st_size > MAX_BYTES:
                raise _too_large(path.name, status.st_size)
            return file.read(MAX_BYTES)
    except OSError as error:
        raise InputError(path.name, f"cannot be read ({error.strerror})", "a readable file") from error


def _too_large(name: str, size: int) -> InputError:
    return InputError(name, f"{size / 1e6:.1f} MB large", f"at most {MAX_BYTES / 1e6:g} MB")
