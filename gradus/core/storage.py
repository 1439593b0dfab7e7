"""Where a study is kept: a journal in its folder, or a database; and which folder that is.

A journal or an SQLite file is for processes that share the study's folder; a PostgreSQL or MySQL
server serves other machines too.
"""

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import optuna
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from gradus.core.errors import RunError, UsageError

SQLITE_PATIENCE = 60.0
"""How long to wait for an SQLite file that another process is writing, in s."""


class JournalLock:
    """Optuna's lock of a journal, kept by the system: it goes with the process, however that ends.

    Taking it cuts off the part of a line that a process left which died or had no room to write.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.file: BinaryIO | None = None

    def acquire(self) -> bool:
        """Wait for the lock and take it."""
        file = open(self.journal, "rb+")  # noqa: SIM115
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        if end and file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
        self.file = file
        return True

    def release(self) -> None:
        """Give it back."""
        if self.file:
            self.file.close()


def open_storage(path: Path, url: str) -> optuna.storages.BaseStorage:
    """The storage of a study.

    Args:
        path: the study's folder.
        url: address of a database; "" for the journal in the folder.

    Raises:
        UsageError: the address is none, or its driver is not installed.
    """
    if not url:
        journal = path / "journal.log"
        lock: Any = JournalLock(journal)
        return optuna.storages.JournalStorage(JournalFileBackend(str(journal), lock))
    try:
        more: dict[str, Any] = {"poolclass": NullPool}  # none stays open while we train
        if is_file(url):
            more["connect_args"] = {"timeout": SQLITE_PATIENCE}
        return optuna.storages.RDBStorage(url, engine_kwargs=more)
    except ArgumentError:
        raise UsageError(
            "storage must be an address such as sqlite:///studies.db or "
            f"postgresql://user@host/name, got {url!r}"
        ) from None
    except ImportError as error:
        raise UsageError(
            f"{shown(url)} needs a driver that is not here ({error.__cause__ or error}): "
            "pip install psycopg for postgresql://, pymysql for mysql+pymysql://"
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let Optuna log nothing."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


@contextlib.contextmanager
def told(path: Path, url: str) -> Iterator[None]:
    """What the storage has to complain of becomes one line of ours; Optuna itself is silent.

    Raises:
        RunError: the storage cannot be reached, read or written.
    """
    try:
        with quiet():
            yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ if error.__cause__ is not None else error
        reason = " ".join(str(getattr(cause, "orig", cause)).split())
        raise RunError(f"storage {shown(url)} fails: {reason}") from error
    except json.JSONDecodeError as error:
        raise RunError(f"{path / 'journal.log'} is damaged: {error}") from error


def absolute(url: str) -> str:
    """The address with the file of an SQLite database named from the root.

    Raises:
        UsageError: the database is in memory, where nobody else can find it.
    """
    try:
        parts = make_url(url) if url else None
    except ArgumentError:
        return url  # refused when it is opened
    if parts is None or parts.get_backend_name() != "sqlite":
        return url
    if not parts.database or parts.database == ":memory:":
        raise UsageError("an SQLite storage needs a file: sqlite:///studies.db")
    return parts.set(database=str(Path(parts.database).resolve())).render_as_string(False)


def without_password(url: str) -> str:
    """The address as it may be written down."""
    return make_url(url)._replace(password=None).render_as_string(False) if url else ""


def shown(url: str) -> str:
    """The storage in words, a password left out."""
    try:
        return without_password(url) or "the journal"
    except ArgumentError:
        return "the storage"


def is_file(url: str) -> bool:
    """Whether a storage is a file, for processes that share the study's folder."""
    return not url or make_url(url).get_backend_name() == "sqlite"


def arrive(path: Path, url: str, kept: optuna.Study) -> str:
    """Make our folder of a study that was begun; its place.

    Raises:
        UsageError: the storage is a file, and the study lives in another folder.
    """
    home, place = kept.user_attrs["home"]
    ours = place_of(path) if path.exists() else ""
    elsewhere = Path(home) != path.resolve() and Path(home, ".place").exists() and ours != place
    if url and is_file(url) and elsewhere:
        raise UsageError(
            f"{path.name} in {shown(url)} is for processes that share its folder, "
            f"--run-dir {home}: a PostgreSQL or MySQL server serves other machines too"
        )
    path.mkdir(parents=True, exist_ok=True)
    return place_of(path)


def place_of(path: Path) -> str:
    """A name for the folder that a copy of it does not have, but that other machines see too."""
    file = path / ".place"
    if not file.exists():
        made = path / f".place.{uuid.uuid4().hex}"
        made.write_text(made.suffix)
        with contextlib.suppress(FileExistsError):
            os.link(made, file)  # whole, and the first one stays
        made.unlink()
    return f"{file.read_text()}-{file.stat().st_ino}"
