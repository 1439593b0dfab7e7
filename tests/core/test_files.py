"""Files appear whole or not at all."""

import os

import pytest

from gradus.core.errors import RunError
from gradus.core.files import write_atomically


def test_the_old_content_is_replaced(tmp_path):
    for data in (b"one", b"", b"three" * 1000):
        write_atomically(tmp_path / "file", data)
        assert (tmp_path / "file").read_bytes() == data
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_failure_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch, place):
    write_atomically(tmp_path / "file", b"old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, place, fail)
    with pytest.raises(RunError, match=r"cannot write .*file \(No space left on device\)"):
        write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_crash_leaves_the_old_content(tmp_path, monkeypatch):
    """The new content lies beside it, hidden, under a name that says it is not whole."""
    write_atomically(tmp_path / "file", b"old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir() if p.name != "file"] == [f".file.{os.getpid()}.part"]


def test_a_place_that_is_no_folder_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"):
        write_atomically(tmp_path / "file" / "inside", b"")


def test_the_bytes_reach_the_disk_before_the_name_does(tmp_path, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: order.append(name) or real(*args)
        )
    write_atomically(tmp_path / "file", b"data")
    assert order == ["fsync", "replace", "fsync"], "the file, its name, the folder"
