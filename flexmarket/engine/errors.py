"""What the offer engine says when it is asked for something that does not exist."""


class OfferError(ValueError):
    """A table, parameter or name that offers cannot be made from; names the field, the value and what is allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field} is {value}; allowed: {allowed}")
