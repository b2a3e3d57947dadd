"""Model fields that more than one app stores series in."""

from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import models


class SeriesField(models.BinaryField):
    """A whole series as little-endian float64 values: a read-only numpy array in Python, bytes in the database."""

    def get_prep_value(self, value: Any) -> bytes | None:
        """Return the bytes of an array or of a sequence of numbers."""
        if value is None or isinstance(value, bytes | memoryview):
            return super().get_prep_value(value)
        return np.asarray(value, dtype="<f8").tobytes()

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> npt.NDArray[np.float64] | None:
        """Return the stored bytes as an array."""
        return None if value is None else np.frombuffer(bytes(value), dtype="<f8").astype(np.float64, copy=False)
