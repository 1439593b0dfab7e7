"""benchmarks/table.py as a module, and benchmarks' results made up for a test."""

import importlib
import json

import pytest

from tests.conformance.pages import ROOT


@pytest.fixture(scope="session")
def table():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        return importlib.import_module("table")


@pytest.fixture
def measured(table, tmp_path, monkeypatch):
    """No benchmark was run; a function that writes what one would have written."""
    monkeypatch.setattr(importlib.import_module("findings.common"), "RESULTS", tmp_path)
    return lambda name, found: (tmp_path / f"{name}.json").write_text(json.dumps(found))
