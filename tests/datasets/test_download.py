"""Downloads, from a server on this computer: complete and checked, or resumable, or a clear error."""

import hashlib
import http.server
import io
import json
import re
import threading
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from pixelgrad.datasets import DataError, download
from pixelgrad.datasets.download import DOWNLOADS, Entry

CONTENT = np.random.default_rng(0).bytes(700_000)  # more than two chunks
OTHER = np.random.default_rng(1).bytes(700_000)


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends `server.content`; `server.set` says how well."""

    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        if server.set.status:
            return self.send_error(server.set.status)
        content, start = server.content, 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        current = self.headers.get("If-Range") in (server.set.etag, server.set.date)
        if wanted and server.set.ranges and (current or server.set.ignore_if_range):
            start = int(wanted[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        for header, value in [("ETag", server.set.etag), ("Last-Modified", server.set.date)]:
            if value:
                self.send_header(header, value)
        self.send_header("Content-Type", server.set.kind)
        if server.set.length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : server.set.cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.content = [], CONTENT
        server.set = SimpleNamespace(
            status=None, ranges=True, etag='"v1"', date=None, ignore_if_range=False, length=True, cut=None
        )
        server.set.kind = "application/octet-stream"
        server.url = f"http://127.0.0.1:{server.server_address[1]}/thing.bin"
        checksum = hashlib.sha256(CONTENT).hexdigest()
        monkeypatch.setitem(DOWNLOADS, "thing", Entry(server.url, "thing.bin", len(CONTENT), checksum))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def break_off(server, folder, *, after=300_000):
    server.set.cut = after
    with pytest.raises(ConnectionError, match=f"broke off after {after:,} of 700,000 bytes.*the same again"):
        download("thing", folder)
    server.set.cut = None
    assert (folder / "thing.bin.part").read_bytes() == server.content[:after]
    assert not (folder / "thing.bin").exists()


def test_the_file_arrives_whole_and_alone(server, tmp_path):
    path = download("thing", tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "thing.bin"
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["thing.bin"]


@pytest.mark.parametrize("mark", ["etag", "date"])
def test_an_interrupted_download_goes_on_where_it_stopped(server, tmp_path, mark):
    if mark == "date":
        server.set.etag, server.set.date = None, "Thu, 04 May 2017 09:13:46 GMT"
    break_off(server, tmp_path)
    assert download("thing", tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=300000-"]
    assert names(tmp_path) == ["thing.bin"]


def test_a_server_that_ignores_ranges_sends_everything_again(server, tmp_path):
    server.set.ranges = False
    break_off(server, tmp_path)
    assert download("thing", tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("ignore_if_range", [False, True])
def test_bytes_of_two_versions_are_never_mixed(server, tmp_path, monkeypatch, ignore_if_range):
    monkeypatch.setitem(DOWNLOADS, "thing", Entry(server.url, "thing.bin"))
    break_off(server, tmp_path)
    server.content, server.set.etag, server.set.ignore_if_range = OTHER, '"v2"', ignore_if_range
    assert download("thing", tmp_path).read_bytes() == OTHER


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_mark_that_promises_equal_bytes_it_starts_anew(server, tmp_path, etag):
    server.set.etag = etag
    break_off(server, tmp_path)
    assert download("thing", tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, None]


def test_a_part_of_another_address_or_without_a_note_is_not_continued(server, tmp_path):
    break_off(server, tmp_path)
    assert download("thing", tmp_path, url=server.url + "?mirror").read_bytes() == CONTENT
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thing.bin.part").write_bytes(OTHER[:1000])
    (tmp_path / "b" / "thing.bin.part.json").write_text("not json")
    assert download("thing", tmp_path / "b").read_bytes() == CONTENT
    assert server.requests == [None, None, None]


def leave_part(server, folder, part):
    (folder / "thing.bin.part").write_bytes(part)
    note = {"url": server.url, "validator": server.set.etag}
    (folder / "thing.bin.part.json").write_text(json.dumps(note))


def test_a_part_that_is_complete_already_is_not_downloaded_again(server, tmp_path):
    leave_part(server, tmp_path, CONTENT)
    assert download("thing", tmp_path).read_bytes() == CONTENT
    assert server.requests == ["bytes=700000-"]
    assert names(tmp_path) == ["thing.bin"]


def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    leave_part(server, tmp_path, CONTENT + b"more")
    assert download("thing", tmp_path).read_bytes() == CONTENT
    assert server.requests == ["bytes=700004-", None]


def test_a_wrong_checksum_is_noticed_and_the_wrong_bytes_are_forgotten(server, tmp_path):
    server.content = OTHER
    with pytest.raises(DataError, match="another SHA-256"):
        download("thing", tmp_path)
    assert names(tmp_path) == []


def test_a_wrong_size_is_noticed_before_the_download(server, tmp_path):
    server.content = CONTENT[:-1]
    with pytest.raises(DataError, match="offers 699,999 bytes, expected 700,000"):
        download("thing", tmp_path)
    assert names(tmp_path) == []


def test_a_wrong_size_is_noticed_after_it_where_the_server_does_not_tell(server, tmp_path):
    server.set.length, server.set.cut = False, 400_000
    with pytest.raises(DataError, match="sent 400,000 bytes, expected 700,000"):
        download("thing", tmp_path)
    server.set.cut = None
    assert download("thing", tmp_path).read_bytes() == CONTENT


def test_a_zip_cut_short_is_noticed_without_size_or_checksum(server, tmp_path, monkeypatch):
    monkeypatch.setitem(DOWNLOADS, "thing", Entry(server.url, "thing.zip"))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", CONTENT)
    server.content, server.set.length, server.set.cut = file.getvalue(), False, 650_000
    with pytest.raises(DataError, match="not a complete zip file"):
        download("thing", tmp_path)
    server.set.cut = None
    assert zipfile.ZipFile(download("thing", tmp_path)).testzip() is None


def test_a_login_page_is_not_a_file(server, tmp_path):
    server.set.kind = "text/html; charset=utf-8"
    with pytest.raises(DataError, match="web page.*with a browser"):
        download("thing", tmp_path)
    assert names(tmp_path) == []


def test_refusals_by_the_server_are_told(server, tmp_path):
    server.set.status = 404
    with pytest.raises(ConnectionError, match=r"404 Not Found.*with a browser and put it at .*thing\.bin"):
        download("thing", tmp_path)


def test_offline_there_is_one_line_that_says_what_to_do(server, tmp_path):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_address[1]
    with pytest.raises(ConnectionError) as caught:
        download("thing", tmp_path, url=f"http://127.0.0.1:{port}/thing.bin")
    message = str(caught.value)
    assert "\n" not in message and f"127.0.0.1:{port}" in message and str(tmp_path / "thing.bin") in message


def test_a_server_that_says_nothing_is_given_up(tmp_path, server):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as silent:  # listens, never answers
        with pytest.raises(ConnectionError, match="timed out"):
            download("thing", tmp_path, url=f"http://127.0.0.1:{silent.server_address[1]}/", timeout=0.2)


def test_existing_files_are_left_alone_and_the_right_one_is_taken(server, tmp_path):
    (tmp_path / "thing.bin").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        download("thing", tmp_path)
    assert (tmp_path / "thing.bin").read_bytes() == b"mine" and server.requests == []
    assert download("thing", tmp_path, overwrite=True).read_bytes() == CONTENT
    download("thing", tmp_path)
    assert server.requests == [None]


def test_progress_goes_to_stderr_and_only_when_asked_for(server, tmp_path, capsys):
    download("thing", tmp_path / "a")
    assert capsys.readouterr() == ("", "")
    download("thing", tmp_path / "b", progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "thing.bin" in err and "700k/700k" in err


def test_unknown_names_and_addresses_that_are_not_of_the_web(tmp_path):
    with pytest.raises(ValueError, match="'imagenet'.*tiny-imagenet-100-A, tiny-imagenet-200"):
        download("imagenet", tmp_path)
    for url in ("file:///etc/passwd", "ftp://example.org/x", "thing.bin"):
        with pytest.raises(ValueError, match="expected one that starts with http"):
            download("cs231n-pretrained", tmp_path, url=url)


def test_the_table_is_sound():
    data = {"tiny-imagenet-100-A", "tiny-imagenet-200", "imagenet-val-25"}
    assert set(DOWNLOADS) >= data | {"cs231n-pretrained", "squeezenet"}
    for name, entry in DOWNLOADS.items():
        server = "https://download.pytorch.org/models" if name == "squeezenet" else "http://cs231n.stanford.edu"
        assert entry.url == f"{server}/{entry.filename}"
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{8}|[0-9a-f]{64}", entry.sha256)
    assert DOWNLOADS["squeezenet"].sha256 in DOWNLOADS["squeezenet"].filename


def test_the_imagenet_samples_have_the_recorded_checksum(shared_data):
    path, entry = shared_data("imagenet_val_25.npz"), DOWNLOADS["imagenet-val-25"]
    assert path.stat().st_size == entry.size
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry.sha256
