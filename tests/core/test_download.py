"""Files of public data sets: where they are looked for, downloaded from, how checked."""

import errno
import gzip
import hashlib
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.core import download
from gradus.core.download import RemoteFile, RemoteSet, locate, status
from gradus.core.errors import DataError, UsageError

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()
DEAD = "http://127.0.0.1:9/file.bin"


def remote(*urls, content=CONTENT, name="file.bin", size=True):
    digest = hashlib.sha256(content).hexdigest()
    return RemoteFile(name, urls, digest, len(content) if size else None)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, no GRADUS_DATA, no waiting, no proxy."""
    monkeypatch.delenv("GRADUS_DATA", raising=False)
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE", 0)
    return tmp_path / "cache"


@pytest.fixture
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    (folder / "set").mkdir(parents=True)
    monkeypatch.setenv("GRADUS_DATA", str(folder))
    return folder


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.hits.append(self.path)
        body, promised, code = CONTENT, None, 200
        if self.path == "/missing":
            code = 404
        elif self.path == "/short":
            body = CONTENT[:1000]
        elif self.path == "/other":
            body = b"x" * len(CONTENT)
        elif self.path == "/cut":
            body, promised = CONTENT[:1000], len(CONTENT)
        elif self.path == "/flaky" and self.server.hits.count("/flaky") == 1:
            code = 503
        elif self.path == "/zipped":
            body = gzip.compress(CONTENT, mtime=0)
        self.send_response(code)
        if self.path == "/zipped" and "gzip" in self.headers["Accept-Encoding"]:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(promised or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.hits = []
        http.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_download_puts_the_file_in_the_cache_and_does_not_ask_again(server, cache, capfd):
    file = remote(f"{server.url}/good")
    path = locate(file, folder="set")
    assert path == cache / "set" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert locate(file, folder="set") == path
    assert server.hits == ["/good"]
    assert capfd.readouterr() == ("", "")


def test_progress_bar_on_a_terminal_only(server, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    locate(remote(f"{server.url}/good"), folder="set")
    out, err = capsys.readouterr()
    assert "B/s" in err
    assert out == ""


@pytest.mark.parametrize("broken", ["/missing", "/short", "/other", "/cut", None])
def test_a_broken_first_mirror_falls_to_the_second(server, cache, broken):
    first = f"{server.url}{broken}" if broken else DEAD
    path = locate(remote(first, f"{server.url}/good"), folder="set")
    assert path.read_bytes() == CONTENT
    assert server.hits[-1] == "/good"
    assert [p.name for p in (cache / "set").iterdir()] == ["file.bin"]


def test_a_mirror_that_fails_once_is_tried_again(server):
    path = locate(remote(f"{server.url}/flaky"), folder="set")
    assert path.read_bytes() == CONTENT
    assert server.hits == ["/flaky", "/flaky"]


def test_a_gz_file_is_kept_as_published_where_the_server_would_unpack_it(server):
    published = gzip.compress(CONTENT, mtime=0)
    path = locate(remote(f"{server.url}/zipped", content=published), folder="set")
    assert path.read_bytes() == published


def test_wrong_bytes_from_every_mirror_leave_nothing_behind(server, cache):
    with pytest.raises(DataError) as error:
        locate(remote(f"{server.url}/other"), folder="set")
    message = one_line(error)
    assert DIGEST in message
    assert hashlib.sha256(b"x" * len(CONTENT)).hexdigest() in message
    assert list((cache / "set").iterdir()) == []


def test_offline_says_address_checksum_and_folder(cache):
    with pytest.raises(DataError) as error:
        locate(remote(DEAD, "http://127.0.0.1:9/mirror"), folder="set")
    message = one_line(error)
    for part in ("file.bin", DEAD, "http://127.0.0.1:9/mirror", DIGEST, str(cache / "set")):
        assert part in message
    assert "no connection" in message


def test_offline_with_gradus_data_names_its_folder(data):
    with pytest.raises(DataError) as error:
        locate(remote(DEAD), folder="set")
    assert one_line(error).endswith(f"into {data / 'set'}")


def test_the_reason_of_each_mirror_is_told(server):
    with pytest.raises(DataError) as error:
        locate(remote(*(f"{server.url}/{x}" for x in ("missing", "short", "cut"))), folder="set")
    message = one_line(error)
    assert "HTTP 404" in message
    assert f"truncated, expected {len(CONTENT)} bytes, found 1000" in message
    assert "broken off" in message


def test_gradus_data_comes_first_then_its_top_then_the_cache(data, cache):
    (cache / "set").mkdir(parents=True)
    places = [data / "set" / "file.bin", data / "file.bin", cache / "set" / "file.bin"]
    for place in reversed(places):
        place.write_bytes(CONTENT)
        assert locate(remote(DEAD), folder="set") == place


@pytest.mark.parametrize("place", ["data/set", "data", "cache/set"])
@pytest.mark.parametrize(
    ("found", "fault"), [(CONTENT[:-1], "truncated"), (CONTENT[::-1], "wrong content")]
)
def test_a_wrong_file_is_refused_wherever_it_lies(data, tmp_path, place, found, fault):
    path = tmp_path / place / "file.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(found)
    with pytest.raises(DataError) as error:
        locate(remote(DEAD), folder="set")
    message = one_line(error)
    assert message.startswith(f"{path}: {fault}, expected ")
    assert "delete it" in message
    if fault == "wrong content":
        assert DIGEST in message
        assert hashlib.sha256(found).hexdigest() in message
    else:
        assert f"expected {len(CONTENT)} bytes, found {len(found)}" in message


@given(at=st.integers(0, 255), flip=st.integers(1, 255), sized=st.booleans())
def test_one_changed_byte_is_enough_to_be_refused(at, flip, sized):
    content = bytes(range(256))
    found = bytearray(content)
    found[at] ^= flip
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADUS_DATA", folder)
        file = remote(DEAD, content=content, size=sized)
        Path(folder, "file.bin").write_bytes(found)
        with pytest.raises(DataError, match="wrong content"):
            locate(file, folder="set")
        Path(folder, "file.bin").write_bytes(content)
        assert locate(file, folder="set") == Path(folder, "file.bin")


def test_gradus_data_must_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"GRADUS_DATA must name a folder.*nowhere"):
        locate(remote(DEAD), folder="set")


def test_cache_folder_that_cannot_be_made(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError) as error:
        locate(remote(f"{server.url}/good"), folder="set")
    message = one_line(error)
    assert str(tmp_path / "file" / "set") in message
    assert "cannot write to the cache folder" in message
    assert "GRADUS_CACHE" in message


def failing_disk(number):
    class Downloader:
        def __init__(self, **options):
            pass

        def __call__(self, url, output_file, pooch):
            Path(output_file).write_bytes(CONTENT[:10])
            raise OSError(number, "No space left on device")

    return Downloader


def test_full_disk_is_told_at_once_and_leaves_nothing(cache, monkeypatch):
    import pooch

    monkeypatch.setattr(pooch, "HTTPDownloader", failing_disk(errno.ENOSPC))
    with pytest.raises(DataError, match=r"cannot write.*\(No space left on device\)"):
        locate(remote(DEAD), folder="set")
    assert list((cache / "set").iterdir()) == []


def test_interrupted_download_leaves_nothing(cache, monkeypatch):
    import pooch

    class Downloader(failing_disk(0)):
        def __call__(self, url, output_file, pooch):
            Path(output_file).write_bytes(CONTENT[:10])
            raise KeyboardInterrupt

    monkeypatch.setattr(pooch, "HTTPDownloader", Downloader)
    with pytest.raises(KeyboardInterrupt):
        locate(remote(DEAD), folder="set")
    assert list((cache / "set").iterdir()) == []


def test_unreadable_file_is_a_clear_error(data, monkeypatch):
    (data / "file.bin").write_bytes(CONTENT)

    def refuse(*args):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"file\.bin: cannot be read \(Permission denied\)"):
        locate(remote(DEAD), folder="set")


def test_default_cache_is_the_users(server, monkeypatch, tmp_path):
    import pooch

    monkeypatch.delenv("GRADUS_CACHE")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "os" / project)
    path = locate(remote(f"{server.url}/good"), folder="set")
    assert path == tmp_path / "os" / "gradus" / "set" / "file.bin"


def test_status_downloads_nothing_and_judges_each_file(data, server):
    names = ("right.bin", "wrong.bin", "absent.bin")
    files = tuple(remote(f"{server.url}/good", name=name) for name in names)
    (data / "set" / "right.bin").write_bytes(CONTENT)
    (data / "wrong.bin").write_bytes(b"no")
    right, wrong, absent = status(RemoteSet("set", files, "free", "here", "a test"))
    assert (right.name, right.path, right.size, right.ok) == (
        "right.bin",
        data / "set" / "right.bin",
        len(CONTENT),
        True,
    )
    assert (wrong.path, wrong.size, wrong.ok) == (data / "wrong.bin", 2, False)
    assert (absent.path, absent.size, absent.ok) == (None, None, False)
    assert server.hits == []


def test_importing_loads_no_network_library():
    code = (
        "import sys, gradus.core.download; "
        "sys.exit(any(m in sys.modules for m in ('pooch', 'requests', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
