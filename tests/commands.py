"""Running Gradus as its users do: in this process, or as a process of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from gradus.cli import main

PROGRAM = [sys.executable, "-m", "gradus"]
ROOT = Path(__file__).parents[1]


class Said(NamedTuple):
    """What a command came to: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def call(capsys, *words):
    """Run a command in this process."""
    capsys.readouterr()
    code = main([str(w) for w in words])
    return Said(code, *capsys.readouterr())


def run(*words, program=PROGRAM, **options):
    """Run a command as a process of its own, to its end."""
    options = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 120, **options}
    done = subprocess.run([*program, *map(str, words)], **options)
    return Said(done.returncode, done.stdout, done.stderr)


def start(*words, **options):
    """Start a command as a process of its own."""
    options = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "text": True, **options}
    return subprocess.Popen([*PROGRAM, *map(str, words)], cwd=options.pop("cwd", ROOT), **options)


def epochs_done(folder):
    """How many epochs a run has recorded."""
    path = Path(folder) / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def wait_for_epochs(process, folder, count, seconds=60):
    """Wait until a training has recorded so many epochs; an error if it ends before."""
    deadline = time.monotonic() + seconds
    while epochs_done(folder) < count:
        assert process.poll() is None, f"ended before epoch {count}: {process.communicate()}"
        assert time.monotonic() < deadline, f"epoch {count} took more than {seconds} s"
        time.sleep(0.002)


def contents(folder):
    """Every file below a folder, with its bytes."""
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()
    }


def one_line(said, code, word=""):
    """Check that a command failed as it should: exit code, one line that says `word`."""
    assert said.code == code, said
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("gradus: "), lines
    assert word in lines[0], lines
    assert "Traceback" not in said.err + said.out
    return lines[0]


def offline(monkeypatch, tmp_path):
    """No data on this machine, and no way to the network."""
    monkeypatch.delenv("GRADUS_DATA", raising=False)
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("gradus.core.download.PAUSE", 0)


def is_root():
    """Whether permissions mean nothing to us."""
    return os.geteuid() == 0
