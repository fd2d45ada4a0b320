"""Unpacking archives that anybody may have made."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from segmint.errors import UserError

_LONGEST_NAME = 255
_ZIP = b"PK\x03\x04"
# What one byte of deflate can become at most [RFC 1951: 258 bytes for two bits].
_DEFLATE = 1032


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar or zip file into a folder that is there.

    Only files and folders with relative names come out of it, as whoever unpacks may write them; of links, devices, owners and
    permissions nothing is taken over.

    Raises:
        UserError: it is damaged, names places outside the folder, holds links or devices, names a file twice, or would become
            larger than it can be, or than the disk has room for.
    """
    with archive.open("rb") as file:
        zipped = file.read(len(_ZIP)) == _ZIP
    try:
        (_unpack_zip if zipped else _unpack_tar)(archive, folder)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise UserError(f"{archive} is damaged ({error}): remove it and run the same command again.") from error


def _unpack_tar(archive: Path, folder: Path) -> None:
    # A tar file holds its files as they are; only sparse ones become larger, as large as they say.
    room = archive.stat().st_size
    _check_room(room, archive, folder)
    with tarfile.open(archive, "r:") as opened:
        for member in opened:
            room -= member.size
            if room < 0:
                raise _too_large(archive)
            target = _target(member.name, archive, folder, plain=member.isreg() or member.isdir())
            content = opened.extractfile(member) if member.isreg() else None
            _put(target, content, member.name, archive)


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        # No more than a file says it has comes out of it.
        whole = sum(member.file_size for member in members)
        if whole > _DEFLATE * archive.stat().st_size:
            raise _too_large(archive)
        _check_room(whole, archive, folder)
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            plain = kind in (0, stat.S_IFDIR if member.is_dir() else stat.S_IFREG)
            target = _target(member.orig_filename.rstrip("/"), archive, folder, plain=plain)
            _put(target, None if member.is_dir() else opened.open(member), member.orig_filename, archive)


def _check_room(wanted: int, archive: Path, folder: Path) -> None:
    if wanted > shutil.disk_usage(folder).free:
        raise UserError(
            f"{folder.parent} has no room for the {wanted / 1e9:.1f} GB of {archive}: free some space or choose another --out."
        )


def _too_large(archive: Path) -> UserError:
    return UserError(
        f"{archive} is damaged or means harm, as it would become larger than it can be: nothing of it was kept."
    )


def _target(named: str, archive: Path, folder: Path, *, plain: bool) -> Path:
    """Where a member goes; `plain` are files and folders."""
    said, name = _shown(named), PurePosixPath(named)
    if name.is_absolute() or ".." in name.parts or "\\" in named or "\0" in named:
        raise UserError(f"{archive} holds {said}, a place outside: nothing of it was kept.")
    if not plain or max(len(part.encode(errors="replace")) for part in ("", *name.parts)) > _LONGEST_NAME:
        raise UserError(
            f"{archive} holds {said}, which is a link or a device, or has too long a name: nothing of it was kept."
        )
    return folder / name


def _put(target: Path, content: IO[bytes] | None, named: str, archive: Path) -> None:
    """Write a file, or make a folder where there is no content."""
    try:
        (target if content is None else target.parent).mkdir(parents=True, exist_ok=True)
        if content is not None:
            with content, target.open("xb") as file:
                shutil.copyfileobj(content, file)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{archive} holds {_shown(named)} twice: nothing of it was kept.") from error


def _shown(name: str) -> str:
    return ascii(name)[:200]
