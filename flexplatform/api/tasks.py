"""What the clock does for the API."""

from flexplatform.api.idempotency import forget_old
from flexplatform.celery import app


@app.task(name="api.forget_old_answers")
def forget_old_answers() -> None:
    """Delete stored answers that nobody will ask for again."""
    forget_old()
