"""Tells whether a problem is the one that was solved before."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from optimization.engine.heuristics.options import SearchOptions
from optimization.engine.problem import SiteProblem


def fingerprint(problem: SiteProblem, solver: str, search: SearchOptions | None = None) -> str:
    """Return the same 64 characters for problems equal in every number that are solved alike, and for no others."""
    digest = hashlib.sha256(solver.encode())
    for value in (problem,) if search is None else (problem, search):
        for part in _parts(value):
            digest.update(part)
            digest.update(b"\0")
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}".encode()
        yield value.tobytes()
    elif is_dataclass(value):
        yield type(value).__name__.encode()
        for item in fields(value):
            yield item.name.encode()
            yield from _parts(getattr(value, item.name))
    elif isinstance(value, tuple | list):
        yield str(len(value)).encode()
        for each in value:
            yield from _parts(each)
    else:
        yield repr(value).encode()
