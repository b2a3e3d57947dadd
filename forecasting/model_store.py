"""Fitted models on disk: one file per organization, kind and model, so that no organization meets another's."""

import json
import logging
import tempfile
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from flexplatform.env import VAR_DIR
from forecasting.engine.models.stored import restored, stored
from forecasting.engine.protocol import Fitted, Model

log = logging.getLogger(__name__)

# A model of ten small boosters has about a megabyte; what is larger is no model of ours.
MOST_BYTES = 30_000_000
LONGEST_AGE = timedelta(days=35)


class ModelStore:
    """Fitted models below a folder; what is missing, too old, of another version or not readable is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, organization: int, kind: str, model: Model, fitted: Fitted) -> bool:
        """Keep a fitted model in place of the one before; return whether it is of a sort that is kept."""
        data = stored(fitted)
        if data is None:
            return False
        content = json.dumps({**data, "model": model.name, "version": model.version})
        if len(content) > MOST_BYTES:
            log.warning("The model %s of %s is too large to be kept: %d bytes.", model.name, kind, len(content))
            return False
        path = self._path(organization, kind, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".new", delete=False) as file:
            file.write(content)
        # Whoever reads meanwhile has the old file or the new one, never a part.
        Path(file.name).replace(path)
        return True

    def load(self, organization: int, kind: str, model: Model) -> Fitted | None:
        """Return the model as it was fitted last; None where there is none to use."""
        path = self._path(organization, kind, model)
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        if datetime.now(UTC) - datetime.fromtimestamp(changed / 1e9, UTC) > LONGEST_AGE:
            path.unlink(missing_ok=True)
            return None
        return _read(path, changed, model.name, model.version)

    def _path(self, organization: int, kind: str, model: Model) -> Path:
        return self.folder / str(organization) / f"{kind}-{model.name}.json"


@lru_cache(maxsize=16)
def _read(path: Path, changed: int, name: str, version: str) -> Fitted | None:
    del changed  # Only tells one version of the file from the next.
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        data: dict[str, Any] = json.loads(path.read_text())
        if (data.get("model"), data.get("version")) != (name, version):
            return None
        return restored(data)
    except Exception as error:
        # Whatever is wrong with a file, the channels are forecast by the next model of their chain.
        log.warning("%s cannot be read: %s", path.name, error)
        return None


store = ModelStore(VAR_DIR / "forecast-models")
