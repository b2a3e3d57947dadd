"""Compiled models on disk, shared by all workers of a machine: read in under 1 ms, where compiling takes 30 to 300.

The files are pickles, so they are read only from a folder that nobody else can write to.
"""

import hashlib
import logging
import os
import pickle
import stat
import sys
import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np
import pyomo

from optimization import engine
from optimization.engine.compiled import Compiled
from optimization.engine.topology import Topology

log = logging.getLogger(__name__)

MOST_FILES = 1000
SUFFIX = ".model"


class CompiledStore:
    """Models in a folder, named by what made them: the engine's source text, Pyomo, and the topology.

    A file that cannot be read, or holds another topology, counts as none and is written anew. Of more than
    `MOST_FILES` the oldest go. A disk that is full or read-only costs time, and nothing else.
    """

    def __init__(self, folder: Path, most_files: int = MOST_FILES) -> None:
        self.folder, self.most_files = folder, most_files

    def load(self, topology: Topology) -> Compiled | None:
        """Return the compiled model of a topology, or None."""
        path = self.path(topology)
        if not self._is_own() or not path.exists():
            return None
        try:
            stored, compiled = pickle.loads(path.read_bytes())  # noqa: S301
        except Exception:
            log.info("%s cannot be read and is written anew.", path, exc_info=True)
            return None
        return compiled if stored == topology and isinstance(compiled, Compiled) else None

    def save(self, topology: Topology, compiled: Compiled) -> None:
        """Keep the compiled model of a topology; it appears whole or not at all."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_own():
                log.warning("Compiled models are not kept: others can write to %s.", self.folder)
                return
            self._write(self.path(topology), pickle.dumps((topology, compiled), protocol=5))
            self._forget_oldest()
        except OSError:
            log.warning("A compiled model could not be kept in %s.", self.folder, exc_info=True)

    def path(self, topology: Topology) -> Path:
        """Return the file of a topology."""
        return self.folder / (hashlib.sha256(f"{self._made_by}\0{topology!r}".encode()).hexdigest() + SUFFIX)

    @cached_property
    def _made_by(self) -> str:
        digest = hashlib.sha256(f"{pyomo.__version__} {np.__version__} {sys.version_info[:2]}".encode())
        for source in sorted(Path(engine.__file__).parent.rglob("*.py")):
            digest.update(source.read_bytes())
        return digest.hexdigest()

    def _is_own(self) -> bool:
        """Return whether the folder is this user's and closed to others."""
        try:
            found = self.folder.stat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077

    def _write(self, path: Path, data: bytes) -> None:
        number, name = tempfile.mkstemp(dir=self.folder)
        unfinished = Path(name)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _forget_oldest(self) -> None:
        written = {path: path.stat().st_mtime for path in self.folder.glob(f"*{SUFFIX}")}
        for path in sorted(written, key=written.__getitem__)[: max(len(written) - self.most_files, 0)]:
            path.unlink(missing_ok=True)
