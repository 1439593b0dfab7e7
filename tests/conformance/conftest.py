"""The scripts of benchmarks/ as modules, and benchmarks' results made up for a test."""

import importlib
import json

import pytest

from tests.conformance.pages import ROOT


@pytest.fixture(scope="session")
def benchmarks():
    """A script of the folder benchmarks as a module, by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module


@pytest.fixture(scope="session")
def table(benchmarks):
    return benchmarks("table")


@pytest.fixture
def measured(benchmarks, tmp_path, monkeypatch):
    """No benchmark was run; a function that writes what one would have written."""
    monkeypatch.setattr(benchmarks("findings.common"), "RESULTS", tmp_path)
    return lambda name, found: (tmp_path / f"{name}.json").write_text(json.dumps(found))
