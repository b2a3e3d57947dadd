"""What may go wrong between here and a FlexMeasures server, in words that a person understands."""


class FlexMeasuresError(RuntimeError):
    """The server did not do what was asked, and why; never with a password or token in it."""


class UnreachableError(FlexMeasuresError):
    """There is no server, it refuses the account, or it wants to be left alone: what follows would fail likewise."""


class GoneError(FlexMeasuresError):
    """An asset or sensor does not exist there any more, or belongs to another account."""


class ReplacementError(FlexMeasuresError):
    """Another value was stored before for the same time and belief time."""
