"""What every test shares: Hypothesis without a clock, and the real data where there is some."""

import os
import signal
from pathlib import Path

# Tests run side by side: one thread each, here and in the processes they start. OpenMP reads this
# when torch is first imported, so it comes before everything that may import torch.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
from hypothesis import settings

# A shell that starts the suite in the background has it ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("gradus", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("gradus")


REAL_DATA = os.environ.get("GRADUS_DATA", "")
"""The folder as it was named when the tests began: many a test hides the variable from itself."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked as needing real data where there is none."""
    if item.get_closest_marker("data") and not REAL_DATA:
        pytest.skip("needs real data: set GRADUS_DATA to a folder of raw files")


@pytest.fixture
def real_data() -> Path:
    """The folder of raw public data that GRADUS_DATA names, for tests marked as needing it."""
    return Path(REAL_DATA)
