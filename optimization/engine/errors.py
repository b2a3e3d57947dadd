"""What the engine says when an input contradicts physics or its own definition."""


class ProblemError(ValueError):
    """An input that no plan could satisfy; names the field, the value and what is allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field} is {value}; allowed: {allowed}")


class SolverError(RuntimeError):
    """The solver ended without any plan, for a reason that a person can act on."""
