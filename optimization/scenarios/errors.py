"""What is wrong in an input file, said so that a person finds the cell and knows what to write there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in the input something stands; rows count from 1 as a spreadsheet shows them."""

    file: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None

    def at(self, row: int | None = None, column: str | None = None) -> "Place":
        """Return this place narrowed to a row and a column."""
        return replace(self, row=row, column=column)

    def __str__(self) -> str:
        parts = [self.file]
        if self.sheet is not None:
            parts.append(f"sheet {self.sheet}")
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column is not None:
            parts.append(f"column {self.column}")
        return ", ".join(parts)


class InputError(ValueError):
    """An input that cannot be used; its text is one line: place, problem (with the value), what is allowed.

    `all` holds everything that is wrong in the input, this error first.
    """

    def __init__(self, place: Place | str, problem: str, allowed: str) -> None:
        self.place = place
        self.problem = problem
        self.allowed = allowed
        self.all: tuple[InputError, ...] = (self,)
        super().__init__(f"{place}: {problem}; allowed: {allowed}")


class Collected:
    """What is wrong in an input, gathered so that a person can mend all of it at once."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    @contextmanager
    def each(self) -> Iterator[None]:
        """Keep an error that is raised inside, and go on."""
        try:
            yield
        except InputError as error:
            self.errors += error.all

    def done(self) -> None:
        """End the gathering.

        Raises:
            InputError: the first one, with `all`.
        """
        if self.errors:
            self.errors[0].all = tuple(self.errors)
            raise self.errors[0]


def shown(value: object, limit: int = 40) -> str:
    """Return a value as an error message shows it: quoted, on one line, cut to `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."
