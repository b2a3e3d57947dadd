"""What a spreadsheet would do with our files, and what a workbook may do to us."""

import zipfile
from io import BytesIO

# A spreadsheet runs a text that begins like this as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_PARTS = 500
MOST_UNPACKED_BYTES = 20_000_000
CHUNK_BYTES = 1 << 16
WORKBOOK_ALLOWED = "an XLSX workbook (not .xls, not protected by a password)"


class WorkbookError(ValueError):
    """A workbook that no parser should see: what is wrong with it, and what is allowed."""

    def __init__(self, problem: str, allowed: str = WORKBOOK_ALLOWED) -> None:
        super().__init__(f"{problem}; allowed: {allowed}")
        self.problem, self.allowed = problem, allowed


def guarded(text: str) -> str:
    """Return a text that a spreadsheet shows instead of running it as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def unguarded(text: str) -> str:
    """Return a text as it was before it was `guarded`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def refuse_bombs(data: bytes) -> None:
    """Unpack every part of a workbook in small pieces and count, before any parser sees it.

    Raises:
        WorkbookError: for a broken archive, too many parts, too much content, or a part that declares entities.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _count(archive)
    except WorkbookError:
        raise
    # zipfile leaks whatever its decompressors raise on damaged bytes.
    except Exception as error:
        raise WorkbookError("not an XLSX workbook") from error


def _count(archive: zipfile.ZipFile) -> None:
    most = f"at most {MOST_PARTS} parts and {MOST_UNPACKED_BYTES / 1e6:g} MB"
    too_much = WorkbookError("unpacks to more than it should", most)
    parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
        raise too_much
    total = 0
    for part in parts:
        with archive.open(part) as stream:
            tail = b""
            while chunk := stream.read(CHUNK_BYTES):
                total += len(chunk)
                if total > MOST_UNPACKED_BYTES:
                    raise too_much
                if b"<!DOCTYPE" in tail + chunk:
                    raise WorkbookError(f"{part.filename} declares XML entities")
                tail = chunk[-10:]
