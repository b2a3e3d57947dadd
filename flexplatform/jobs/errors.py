"""What ends a job other than success."""


class JobError(RuntimeError):
    """A reason that a person understands; it becomes the job's error as it stands."""


class JobConflictError(ValueError):
    """The idempotency key of a request belongs to a job with another input."""


class JobCancelledError(Exception):
    """Somebody asked the running job to stop."""


class ClaimLostError(Exception):
    """The job was given to another worker, because this one seemed dead; nothing more may be written for it."""


class JobUnfinishedError(Exception):
    """The turn of a job is over before its work is; what is left waits for another turn."""
