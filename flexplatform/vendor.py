"""The files of other projects that the portal serves, and whether they are what VENDOR.toml says."""

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

VENDOR_DIR = Path(__file__).resolve().parent / "static" / "vendor"


def problems(directory: Path = VENDOR_DIR) -> Iterator[str]:
    """Yield, in words, every file that is missing, changed, not declared, or that points to a source map."""
    declared = {
        name: digest
        for package in tomllib.loads((directory / "VENDOR.toml").read_text())["package"]
        for name, digest in package["sha256"].items()
    }
    present = {
        path.relative_to(directory).as_posix(): path
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != "VENDOR.toml"
    }
    for name in sorted(declared.keys() - present.keys()):
        yield f"{name} is missing"
    for name, path in present.items():
        content = path.read_bytes()
        if name not in declared:
            yield f"{name} is not declared in VENDOR.toml"
        elif hashlib.sha256(content).hexdigest() != declared[name]:
            yield f"{name} differs from its sha256 in VENDOR.toml"
        if b"sourceMappingURL=" in content:
            yield f"{name} points to a source map"
