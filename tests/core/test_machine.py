"""gradus.core.machine: what run.json tells of the machine."""

import json
import subprocess
import sys

import torch

from gradus.core import machine


def test_versions_and_machine_are_told():
    told = machine.environment()
    assert told["versions"]["torch"] == torch.__version__
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["processor"] == machine.processor() != ""
    assert told["cores"] >= 1
    assert json.loads(json.dumps(told)) == told


def test_without_git_there_is_no_revision(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert machine.environment()["git"] is None
