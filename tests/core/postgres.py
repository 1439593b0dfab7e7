"""A PostgreSQL server for tests: Debian's, on loopback, in a folder that is gone afterwards."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

APT = "GRADUS_APT"
"""Set to 1, this lets a test that runs as root install PostgreSQL with apt-get."""


def programs():
    """The folder of initdb and pg_ctl, newest version first; None if they are not here."""
    beside = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    return Path(beside).resolve().parent if beside else None


def installed():
    """The folder of the programs; installs them where that is allowed, else skips the test."""
    here = programs()
    if here is None and os.environ.get(APT) == "1" and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", "-qq", *words], env=environment, capture_output=True)
        here = programs()
    if here is None:
        pytest.skip(f"needs PostgreSQL: apt-get install postgresql (as root: {APT}=1 does it)")
    return here


@contextlib.contextmanager
def server():
    """Start a server of its own; gives the address of its database."""
    bin_ = installed()
    root = os.geteuid() == 0
    # initdb refuses root, and the packages make a user for it; pytest's folders are root's alone.
    as_user = ["runuser", "-u", "postgres", "--"] if root else []
    folder = Path(tempfile.mkdtemp(prefix="gradus-postgres-"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    if root:
        shutil.chown(folder, "postgres")

    def call(*words):
        done = subprocess.run(
            [*as_user, *map(str, words)], capture_output=True, text=True, cwd=folder, timeout=120
        )
        assert done.returncode == 0, done.stderr

    data, options = folder / "data", f"-F -p {port} -k {folder} -h 127.0.0.1"
    try:
        call(bin_ / "initdb", "-D", data, "-U", "gradus", "-A", "trust", "--no-sync")
        call(bin_ / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://gradus@127.0.0.1:{port}/postgres"
        finally:
            call(bin_ / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
