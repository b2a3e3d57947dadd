"""The example file of the reference data, and the mark that skips tests where it is absent."""

import pytest

from tests.optimization.engine.reference import REFERENCE, WHY_SKIPPED

INPUT = REFERENCE / "input_data.csv"
needs_reference = pytest.mark.skipif(not INPUT.exists(), reason=WHY_SKIPPED)
