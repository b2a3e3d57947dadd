"""What the bridge says of itself, for everybody who asks after its health."""

from datetime import datetime, timedelta

from django.db import models

SILENT_AFTER = timedelta(seconds=60)


class BridgeState(models.Model):
    """One row per client id at the broker, written every few seconds by the bridge that is active."""

    client_id = models.CharField(max_length=100, unique=True)
    host = models.CharField(max_length=100)
    process = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    connected = models.BooleanField()
    last_commit_at = models.DateTimeField(null=True)
    queued = models.PositiveIntegerField(default=0)
    messages_per_second = models.FloatField(default=0)
    stored = models.BigIntegerField(default=0)
    known = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)

    objects: models.Manager["BridgeState"] = models.Manager()

    def __str__(self) -> str:
        return self.client_id

    def trouble(self, now: datetime) -> str:
        """Return what is wrong with the bridge; empty when all is well."""
        if now - self.beat_at > SILENT_AFTER:
            return f"silent since {self.beat_at:%Y-%m-%d %H:%M:%S} UTC"
        return self.problem or ("" if self.connected else "not connected to the broker")
