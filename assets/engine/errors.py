"""What the tariff engine says when prices do not fit together."""


class TariffError(ValueError):
    """A tariff that gives no price, or more than one; names the field, the value and what is allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field} is {value}; allowed: {allowed}")
