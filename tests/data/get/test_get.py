"""Fetching from a real server on this machine: sums, going on, and archives that mean harm."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.cli.main import main
from segmint.data.cache import cache_root
from segmint.data.convert.layouts import LAYOUTS, find_layout
from segmint.data.get import catalogue
from segmint.data.get.archive import unpack
from segmint.errors import UserError

NAME = "msd-hippocampus"


@dataclass
class Served:
    """One file on a server of this machine, and what was asked for."""

    content: bytes
    port: int = 0
    ranges: list[str | None] = field(default_factory=list)
    knows_ranges: bool = True
    seconds_a_block: float = 0.0
    breaks_after: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/Task04_Hippocampus.tar"

    @property
    def checksum(self) -> str:
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Served]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path / "cache"))
    one = Served(packed())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            one.ranges.append(asked)
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and one.knows_ranges else 0
            if first >= len(one.content):
                self.send_error(416)
                return
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(one.content) - first))
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(one.content) - 1}/{len(one.content)}")
            self.end_headers()
            end = len(one.content) if one.breaks_after is None else min(first + one.breaks_after, len(one.content))
            for start in range(first, end, 65536):
                self.wfile.write(one.content[start : min(start + 65536, end)])
                time.sleep(one.seconds_a_block)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield one
    server.shutdown()
    thread.join()


def packed(**files: bytes) -> bytes:
    """A tar file as the Decathlon's are: a folder that holds everything."""
    noise = np.random.default_rng(0).integers(0, 255, 3_000_000, dtype=np.uint8).tobytes()
    held = {"dataset.json": b"{}", "imagesTr/a.nii.gz": noise, "labelsTr/a.nii.gz": b"label", **files}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in held.items():
            member = tarfile.TarInfo(f"Task04_Hippocampus/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def listed(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The same, as what the catalogue names."""
    entry = replace(catalogue.find_published(NAME), url=served.url, checksum=served.checksum)
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))
    return served


def test_it_is_fetched_and_unpacked(listed: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "files"
    assert main(["data", "get", NAME, "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["dataset.json", "imagesTr", "labelsTr"]
    assert (out / "labelsTr" / "a.nii.gz").read_bytes() == b"label"
    assert f"segmint data convert msd {out} --out DIR" in capsys.readouterr().out
    assert listed.ranges == [None]
    # Neither the archive nor anything else is left beside what was asked for.
    assert [path for path in cache_root().rglob("*") if path.is_file()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "files"]
    assert main(["data", "get", NAME, "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_connection_that_breaks_is_gone_on_with(listed: Served, tmp_path: Path) -> None:
    listed.breaks_after = 1_000_000
    assert main(["data", "get", NAME, "--out", str(tmp_path / "files")]) == 0
    firsts = [0 if asked is None else int(asked[len("bytes=") : -1]) for asked in listed.ranges]
    assert firsts == sorted(set(firsts))
    assert 4 <= len(firsts) <= 6
    assert firsts[1] > 900_000


def test_a_server_that_knows_no_ranges_sends_it_anew(listed: Served, tmp_path: Path) -> None:
    listed.knows_ranges = False
    part = cache_root() / "archives" / "Task04_Hippocampus.tar.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(listed.content[:5000])
    assert main(["data", "get", NAME, "--out", str(tmp_path / "files")]) == 0
    assert listed.ranges == ["bytes=5000-"]


@pytest.mark.parametrize("there", [b"other bytes", bytes(10_000_000)])
@pytest.mark.usefixtures("listed")
def test_what_has_another_sum_is_thrown_away(there: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = cache_root() / "archives" / "Task04_Hippocampus.tar.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(there)
    words = ["data", "get", NAME, "--out", str(tmp_path / "files")]
    assert main(words) == 2
    assert "is not what was published" in capsys.readouterr().err
    assert not (tmp_path / "files").exists()
    assert main(words) == 0


@pytest.mark.usefixtures("listed")
def test_a_server_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = replace(catalogue.CATALOGUE[0], url="http://127.0.0.1:1/Task04_Hippocampus.tar")
    monkeypatch.setattr(catalogue, "CATALOGUE", (nowhere,))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert main(["data", "get", NAME, "--out", str(tmp_path / "files")]) == 2
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert "could not be downloaded" in said


def test_killed_it_goes_on_where_it_stopped(listed: Served, tmp_path: Path) -> None:
    listed.seconds_a_block = 0.05
    code = (
        "import sys; from dataclasses import replace; from segmint.data.get import catalogue; from segmint.cli.main import main\n"
        f"one = replace(catalogue.find_published({NAME!r}), url={listed.url!r}, checksum={listed.checksum!r})\n"
        f"catalogue.CATALOGUE = (one,); sys.exit(main(['data', 'get', {NAME!r}, '--out', {str(tmp_path / 'files')!r}]))"
    )
    part = cache_root() / "archives" / "Task04_Hippocampus.tar.part"
    process = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ), stderr=subprocess.DEVNULL)
    while process.poll() is None and (not part.exists() or part.stat().st_size < 500_000):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    came = part.stat().st_size
    assert 500_000 <= came < len(listed.content)
    assert not (tmp_path / "files").exists()
    listed.seconds_a_block = 0.0
    assert subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False).returncode == 0
    assert listed.ranges == [None, f"bytes={came}-"]
    assert (tmp_path / "files" / "labelsTr" / "a.nii.gz").read_bytes() == b"label"


def test_two_do_not_fetch_one_archive(listed: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed.seconds_a_block = 0.05
    first = threading.Thread(target=main, args=(["data", "get", NAME, "--out", str(tmp_path / "files")],))
    first.start()
    while not listed.ranges:
        time.sleep(0.01)
    assert main(["data", "get", NAME, "--out", str(tmp_path / "other")]) == 2
    assert "is in use by another segmint process" in capsys.readouterr().err
    first.join()
    assert (tmp_path / "files").is_dir()


def test_what_must_be_got_by_hand_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_hand = [layout.name for layout in LAYOUTS if layout.name not in ("msd", "chase-db1", "dsb2018")]
    for name in by_hand:
        assert main(["data", "get", name, "--out", str(tmp_path / "files")]) == 2
        assert find_layout(name).origin in capsys.readouterr().err
    assert main(["data", "get", "msd", "--out", str(tmp_path / "files")]) == 2
    assert "choose one of msd-brain-tumour" in capsys.readouterr().err


def test_every_entry_has_a_layout_and_a_sum() -> None:
    for one in catalogue.CATALOGUE:
        find_layout(one.layout)
        kind, _, digest = one.checksum.partition(":")
        assert len(bytes.fromhex(digest)) == hashlib.new(kind).digest_size
        assert one.url.startswith("https://")
    assert len({one.name for one in catalogue.CATALOGUE}) == len({one.url for one in catalogue.CATALOGUE}) == 12


Tar = Callable[[tarfile.TarFile], None]


def _file(name: str, content: bytes = b"x") -> Tar:
    def add(archive: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))

    return add


def _special(name: str, kind: bytes, link: str = "") -> Tar:
    def add(archive: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        archive.addfile(member)

    return add


def _sparse(archive: tarfile.TarFile) -> None:
    """A terabyte of nothing (GNU's sparse files, version 1.0 in pax headers)."""
    content = b"0\n".ljust(512, b"\0")
    member = tarfile.TarInfo("GNUSparseFile.0/bomb")
    member.size = len(content)
    sparse = {"major": "1", "minor": "0", "name": "bomb", "realsize": str(10**12)}
    member.pax_headers = {f"GNU.sparse.{key}": value for key, value in sparse.items()}
    archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([_file("../evil")], "a place outside"),
        ([_file("a/../../evil")], "a place outside"),
        ([_file("/evil")], "a place outside"),
        ([_file("..\\evil")], "a place outside"),
        ([_special("link", tarfile.SYMTYPE, "/etc"), _file("link/evil")], "a link or a device"),
        ([_special("link", tarfile.LNKTYPE, "../evil")], "a link or a device"),
        ([_special("pipe", tarfile.FIFOTYPE)], "a link or a device"),
        ([_special("disk", tarfile.BLKTYPE)], "a link or a device"),
        ([_file("a"), _file("a")], "twice"),
        ([_file("a"), _file("a/b")], "twice"),
        ([_file("a/b"), _file("a")], "twice"),
        ([_file("n" * 300)], "too long a name"),
        ([_sparse], "would become larger than it can be"),
    ],
)
def test_archives_that_mean_harm(members: list[Tar], said: str, tmp_path: Path) -> None:
    path, folder = tmp_path / "a.tar", tmp_path / "folder"
    folder.mkdir()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for add in members:
            add(archive)
    with pytest.raises(UserError, match=said):
        unpack(path, folder)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.tar", "folder"]
    assert not any(one.is_symlink() for one in folder.rglob("*"))


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_a_zip_file_is_fetched_and_unpacked_as_it_is(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, 100_000, dtype=np.uint8).tobytes()
    path = zipped(tmp_path / "a.zip", ("Image_01L.jpg", noise), ("more/", b""), ("more/Image_01L_1stHO.png", b"mask"))
    served.content = path.read_bytes()
    entry = replace(catalogue.find_published("chase-db1"), url=served.url, checksum=served.checksum)
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))
    assert main(["data", "get", "chase-db1", "--out", str(tmp_path / "files")]) == 0
    assert (tmp_path / "files" / "Image_01L.jpg").read_bytes() == noise
    assert (tmp_path / "files" / "more" / "Image_01L_1stHO.png").read_bytes() == b"mask"


def _linked(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("../evil", b"x")], "a place outside"),
        ([("a/../../evil", b"x")], "a place outside"),
        ([("/evil", b"x")], "a place outside"),
        ([("..\\evil", b"x")], "a place outside"),
        ([(_linked("link"), b"/etc"), ("link/evil", b"x")], "a link or a device"),
        ([("a", b"x"), ("a", b"y")], "twice"),
        ([("a/b", b"x"), ("a", b"y")], "twice"),
        ([("n" * 300, b"x")], "too long a name"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_files_that_mean_harm(members: list[tuple[Any, bytes]], said: str, tmp_path: Path) -> None:
    path, folder = zipped(tmp_path / "a.zip", *members), tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(UserError, match=said):
        unpack(path, folder)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zip", "folder"]
    assert not any(one.is_symlink() for one in folder.rglob("*"))


def test_a_zip_file_gives_no_more_than_it_can_hold(tmp_path: Path) -> None:
    """Every entry of the directory points to the same ten megabytes of nothing."""
    path = zipped(tmp_path / "a.zip", *((f"{number:02d}", bytes(10_000_000 * (not number))) for number in range(60)))
    content = bytearray(path.read_bytes())
    whole = struct.pack("<II", *struct.unpack("<II", content[18:26]))
    start = content.index(b"PK\x01\x02")
    for _ in range(60):
        content[start + 20 : start + 28] = whole
        content[start + 42 : start + 46] = bytes(4)
        start = content.find(b"PK\x01\x02", start + 1)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"larger than it can be|is damaged"):
        unpack(path, tmp_path)
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) < 20_000_000


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[:-5], lambda whole: whole[:-1000], lambda whole: whole[:1000] + b"damage" + whole[1006:]],
)
def test_damaged_zip_files(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a", np.random.default_rng(0).bytes(5000)))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match="is damaged"):
        unpack(path, tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", packed()[:-2_000_000], bytes(100)])
def test_damaged_archives(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is damaged"):
        unpack(path, tmp_path)


def test_nothing_of_a_harmful_archive_is_kept(
    listed: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed.content = packed(**{"../../../evil": json.dumps("x").encode()})
    monkeypatch.setattr(catalogue, "CATALOGUE", (replace(catalogue.CATALOGUE[0], checksum=listed.checksum),))
    assert main(["data", "get", NAME, "--out", str(tmp_path / "files")]) == 2
    assert "a place outside" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]
