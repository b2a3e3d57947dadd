import shutil
from pathlib import Path

from django.core.management import call_command

from flexplatform.vendor import VENDOR_DIR, problems


def test_the_vendored_files_are_as_declared() -> None:
    call_command("check_vendor", stdout=None)


def test_every_difference_is_found(tmp_path: Path) -> None:
    copy = tmp_path / "vendor"
    shutil.copytree(VENDOR_DIR, copy)
    (copy / "luxon" / "LICENSE.md").unlink()
    with (copy / "luxon" / "luxon.min.js").open("a") as file:
        file.write("//# sourceMappingURL=luxon.min.js.map")
    (copy / "extra.js").write_text("")
    assert list(problems(copy)) == [
        "luxon/LICENSE.md is missing",
        "extra.js is not declared in VENDOR.toml",
        "luxon/luxon.min.js differs from its sha256 in VENDOR.toml",
        "luxon/luxon.min.js points to a source map",
    ]
