import errno
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import pytest

from inspector import fetch as fetch_module
from inspector.download import SOURCES, download, find_source
from inspector.errors import InputError, InspectorError, StorageError
from inspector.fetch import fetch
from inspector.unpack import unpack

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What a local server does, and what it was asked."""

    content: bytes = CONTENT
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)  # bytes sent by each of the next answers
    statuses: list[int] = field(default_factory=list)  # errors instead of the next answers
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            state.asked.append(asked)
            if state.statuses:
                self.send_error(state.statuses.pop(0))
                return
            start = int(asked[len("bytes=") : -1]) if asked and state.ranges else 0
            size = len(state.content)
            if start >= size:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.send_header("Content-Length", str(size - start))
            self.end_headers()
            end = start + state.break_after.pop(0) if state.break_after else size
            self.wfile.write(state.content[start:end])

        def log_message(self, *args: Any) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{http.server_address[1]}/set.zip"
        yield state
        http.shutdown()
        thread.join()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def tar_of(*members: tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as file:  # type: ignore[call-overload]
        for member in members:
            file.addfile(member, io.BytesIO(b"x" * member.size))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = 3 if kind == tarfile.REGTYPE else 0
    return info


class TestFetch:
    def test_whole_file(self, server: Server, tmp_path: Path) -> None:
        seen: list[tuple[int, int | None]] = []
        path = tmp_path / "new" / "set.zip"
        sha256 = fetch(server.url, path, sha256=SHA256, progress=lambda *args: seen.append(args))
        assert sha256 == SHA256
        assert path.read_bytes() == CONTENT
        assert seen[-1] == (len(CONTENT), len(CONTENT))
        assert names(path.parent) == ["set.zip"]

    def test_a_broken_connection_goes_on_where_it_stopped(self, server: Server, tmp_path: Path) -> None:
        server.break_after = [1000, 2000]
        fetch(server.url, tmp_path / "f", sha256=SHA256, wait_s=0)
        assert server.asked == ["", "bytes=1000-", "bytes=3000-"]
        assert (tmp_path / "f").read_bytes() == CONTENT

    def test_the_next_call_goes_on_too(self, server: Server, tmp_path: Path) -> None:
        server.break_after = [1000]
        with pytest.raises(InspectorError, match=r"ended after 1,000 of 10,240 .*1,000 bytes are kept in"):
            fetch(server.url, tmp_path / "f", attempts=1)
        assert names(tmp_path) == ["f.part"]
        fetch(server.url, tmp_path / "f", sha256=SHA256)
        assert server.asked == ["", "bytes=1000-"]

    def test_a_server_without_ranges_starts_over(self, server: Server, tmp_path: Path) -> None:
        server.ranges, server.break_after = False, [1000]
        fetch(server.url, tmp_path / "f", sha256=SHA256, wait_s=0)
        assert server.asked == ["", "bytes=1000-"]
        assert (tmp_path / "f").read_bytes() == CONTENT

    def test_a_part_that_is_whole_needs_no_bytes(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "f.part").write_bytes(CONTENT)
        fetch(server.url, tmp_path / "f", sha256=SHA256)
        assert server.asked == [f"bytes={len(CONTENT)}-"]

    def test_a_part_longer_than_the_file_is_dropped(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "f.part").write_bytes(CONTENT + b"more")
        fetch(server.url, tmp_path / "f", sha256=SHA256, wait_s=0)
        assert (tmp_path / "f").read_bytes() == CONTENT

    def test_a_wrong_checksum_is_removed_and_refused(self, server: Server, tmp_path: Path) -> None:
        with pytest.raises(
            InspectorError, match=rf"sha256 {SHA256}, but 0000.* was expected; it was removed"
        ):
            fetch(server.url, tmp_path / "f", sha256="0" * 64)
        assert names(tmp_path) == []

    def test_a_busy_server_is_asked_again(self, server: Server, tmp_path: Path) -> None:
        server.statuses = [503, 429]
        fetch(server.url, tmp_path / "f", sha256=SHA256, wait_s=0)
        assert len(server.asked) == 3

    def test_a_missing_file_is_not_asked_for_again(self, server: Server, tmp_path: Path) -> None:
        server.statuses = [404]
        with pytest.raises(InputError, match="answered 404 Not Found; try a mirror, --url"):
            fetch(server.url, tmp_path / "f")
        assert names(tmp_path) == []

    def test_no_connection(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with pytest.raises(InspectorError, match=r"no connection: .*attempt 2 of 2"):
            fetch("http://127.0.0.1:9/f", tmp_path / "f", attempts=2, wait_s=0)

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/f", "set.zip"])
    def test_other_schemes_are_refused(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="neither http nor https"):
            fetch(url, tmp_path / "f")

    def test_a_full_disk_leaves_the_part_only(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        copy = fetch_module._copy
        with monkeypatch.context() as patch:
            patch.setattr(
                fetch_module, "_copy", lambda answer, file, *rest: copy(answer, _FullDisk(file), *rest)
            )
            with pytest.raises(StorageError, match=r"f.part: no space is left; .*make room and run it again"):
                fetch(server.url, tmp_path / "f", sha256=SHA256)
        assert names(tmp_path) == ["f.part"]
        fetch(server.url, tmp_path / "f", sha256=SHA256)
        assert names(tmp_path) == ["f"]
        assert server.asked == ["", "bytes=1000-"]

    def test_too_little_room_is_told_before_the_download(
        self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage(5))
        with pytest.raises(StorageError, match=r"needs 10,240 more bytes, 5 are free"):
            fetch(server.url, tmp_path / "f")
        assert names(tmp_path) == []


@dataclass
class _Usage:
    free: int


@dataclass
class _FullDisk:
    """A file with room for 1,000 bytes."""

    file: IO[bytes]

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")


class TestUnpack:
    def test_zip_and_tar_give_the_same_files(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(zip_of({"top/": b"", "top/x/a.txt": b"xxx", "top/b.txt": b"xxx"}))
        (tmp_path / "a.tar.xz").write_bytes(
            tar_of(
                member("./top", tarfile.DIRTYPE), member("./top/x/a.txt"), member("top/b.txt"), mode="w:xz"
            )
        )
        for name in ("a.zip", "a.tar.xz"):
            out = tmp_path / f"{name}.out"
            assert unpack(tmp_path / name, out, strip=1) == 2
            assert (out / "x/a.txt").read_bytes() == (out / "b.txt").read_bytes() == b"xxx"
            assert sorted(p.name for p in out.iterdir()) == ["b.txt", "x"]

    @pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "a\\..\\evil", "C:/evil"])
    def test_names_that_point_outside_are_refused(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "z").write_bytes(zip_of({"ok.txt": b"x", name: b"x"}))
        (tmp_path / "t").write_bytes(tar_of(member("ok.txt"), member(name)))
        for archive in ("z", "t"):
            with pytest.raises(InspectorError, match="points outside; it was not unpacked"):
                unpack(tmp_path / archive, tmp_path / "deep" / "out")
        assert names(tmp_path) == ["deep", "t", "z"]
        assert names(tmp_path / "deep") == []

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
    def test_links_and_devices_are_refused(self, tmp_path: Path, kind: bytes) -> None:
        (tmp_path / "t").write_bytes(tar_of(member("ok.txt"), member("link", kind, "/etc")))
        with pytest.raises(InspectorError, match="holds 'link', which is a link or device"):
            unpack(tmp_path / "t", tmp_path / "out")
        assert names(tmp_path) == ["t"]

    def test_a_link_in_a_zip_is_refused(self, tmp_path: Path) -> None:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        with zipfile.ZipFile(tmp_path / "z", "w") as file:
            file.writestr(info, "/etc/passwd")
        with pytest.raises(InspectorError, match="is a link or device"):
            unpack(tmp_path / "z", tmp_path / "out")

    @pytest.mark.parametrize("cut", [0, 20, -30])
    def test_a_damaged_archive_leaves_nothing(self, tmp_path: Path, cut: int) -> None:
        (tmp_path / "t").write_bytes(tar_of(*[member(f"{i}.txt") for i in range(9)])[:cut])
        with pytest.raises(InspectorError, match=r"t is damaged \(.*\); remove it and download it again"):
            unpack(tmp_path / "t", tmp_path / "out")
        assert names(tmp_path) == ["t"]

    def test_a_changed_byte_in_a_zip_is_found(self, tmp_path: Path) -> None:
        data = zip_of({"a.txt": b"hello hello"})
        (tmp_path / "z").write_bytes(data.replace(b"hello hello", b"hello jello"))
        with pytest.raises(InspectorError, match="z is damaged"):
            unpack(tmp_path / "z", tmp_path / "out")

    def test_an_archive_without_files(self, tmp_path: Path) -> None:
        (tmp_path / "z").write_bytes(zip_of({"top/": b""}))
        with pytest.raises(InspectorError, match="holds no files"):
            unpack(tmp_path / "z", tmp_path / "out")

    def test_an_existing_folder_is_kept(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        with pytest.raises(StorageError, match="out exists; remove it or choose another folder"):
            unpack(tmp_path / "z", tmp_path / "out")

    def test_a_member_larger_than_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "z").write_bytes(zip_of({"a.txt": b"x" * 100}))
        monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage(99))
        with pytest.raises(StorageError, match=r"a.txt of .* needs 100 bytes, 99 are free; make room"):
            unpack(tmp_path / "z", tmp_path / "out")
        assert names(tmp_path) == ["z"]


class TestDownload:
    def test_a_set_without_published_checksum_is_recorded_then_verified(
        self, server: Server, tmp_path: Path
    ) -> None:
        server.content = zip_of({"repository-1/MT_Free/Imgs/a.jpg": b"x"})
        said: list[str] = []
        source, out = find_source("magnetic tile"), tmp_path / "data"
        got = download(source, out, url=server.url, say=said.append)
        assert (got.num_files, got.verified) == (1, False)
        assert (out / "magnetic_tile/MT_Free/Imgs/a.jpg").read_bytes() == b"x"
        record = out / "magnetic_tile.zip.sha256"
        assert record.read_text() == f"{hashlib.sha256(server.content).hexdigest()}  magnetic_tile.zip\n"
        assert any("no checksum is published" in text for text in said)

        got.archive.unlink()
        got.folder.rename(out / "first")
        assert download(source, out, url=server.url).verified
        got.archive.unlink()
        got.folder.rename(out / "second")
        server.content = zip_of({"repository-1/MT_Free/Imgs/a.jpg": b"changed"})
        with pytest.raises(InspectorError, match="was expected; it was removed"):
            download(source, out, url=server.url)
        assert not got.archive.exists()
        assert not got.folder.exists()

    def test_an_archive_that_is_there_is_verified_and_not_loaded(
        self, server: Server, tmp_path: Path
    ) -> None:
        content = zip_of({"top/a.txt": b"x"})
        source = replace(find_source("dtd"), sha256=hashlib.sha256(content).hexdigest())
        (tmp_path / source.archive).write_bytes(content)
        assert download(source, tmp_path, url=server.url).num_files == 1
        assert server.asked == []

    def test_an_archive_that_is_there_but_wrong_is_named(self, tmp_path: Path) -> None:
        source = find_source("DTD")
        (tmp_path / source.archive).write_bytes(b"wrong")
        with pytest.raises(
            InspectorError, match=r"dtd-r1.0.1.tar.gz has the sha256 .* but e42855a5.*remove it"
        ):
            download(source, tmp_path)

    def test_an_unpacked_set_is_not_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "dtd").mkdir()
        with pytest.raises(InputError, match=r"dtd exists already; remove it, or choose another folder"):
            download(find_source("dtd"), tmp_path)

    def test_a_damaged_record_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "magnetic_tile.zip.sha256").write_text("nonsense")
        with pytest.raises(InputError, match="holds no sha256; remove it"):
            download(find_source("magnetic-tile"), tmp_path)

    @pytest.mark.parametrize("name", ["MVTec-AD", "mvtec_ad", " mvtec ad "])
    def test_names_are_forgiving(self, name: str) -> None:
        assert find_source(name).name == "mvtec-ad"

    def test_an_unknown_name_lists_the_known(self) -> None:
        with pytest.raises(InputError, match="'coco' is known; choose mvtec-ad, dtd, magnetic-tile"):
            find_source("coco")

    def test_every_source_is_complete(self) -> None:
        for source in SOURCES:
            assert source.url.startswith("https://")
            assert source.licence
            assert len(source.sha256) in (0, 64)
