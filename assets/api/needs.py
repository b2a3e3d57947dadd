"""The permissions of resources that are rows."""

READS, WRITES = ("list", "retrieve"), ("create", "partial_update", "destroy")


def row_needs(view: str, change: str, **others: str) -> dict[str | None, str | None]:
    """Return the permission of each action on rows, and of `others` by their name."""
    return {**dict.fromkeys(READS, view), **dict.fromkeys(WRITES, change), **dict(others.items())}
