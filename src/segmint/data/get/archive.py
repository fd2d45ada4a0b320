"""Unpacking archives that anybody may have made."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath

from segmint.errors import UserError

_LONGEST_NAME = 255


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar file into a folder that is there.

    Only files and folders with relative names come out of it, as whoever unpacks may write them; of links, devices, owners and
    permissions nothing is taken over.

    Raises:
        UserError: it is damaged, names places outside the folder, holds links or devices, names a file twice, or would become
            larger than it is, or than the disk has room for.
    """
    # A tar file holds its files as they are; only sparse ones become larger, as large as they say.
    room = archive.stat().st_size
    if room > shutil.disk_usage(folder).free:
        raise UserError(
            f"{folder.parent} has no room for the {room / 1e9:.1f} GB of {archive}: free some space or choose another --out."
        )
    try:
        with tarfile.open(archive, "r:") as opened:
            for member in opened:
                room -= member.size
                if room < 0:
                    raise UserError(
                        f"{archive} is damaged or means harm, as it would become larger than it is: nothing of it was kept."
                    )
                _unpack_one(opened, member, archive, folder)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise UserError(f"{archive} is damaged ({error}): remove it and run the same command again.") from error


def _unpack_one(opened: tarfile.TarFile, member: tarfile.TarInfo, archive: Path, folder: Path) -> None:
    said = ascii(member.name)[:200]
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\\" in member.name or "\0" in member.name:
        raise UserError(f"{archive} holds {said}, a place outside: nothing of it was kept.")
    if (
        not (member.isreg() or member.isdir())
        or max(len(part.encode(errors="replace")) for part in ("", *name.parts)) > _LONGEST_NAME
    ):
        raise UserError(
            f"{archive} holds {said}, which is a link or a device, or has too long a name: nothing of it was kept."
        )
    target = folder / name
    try:
        (target if member.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
        if member.isreg():
            content = opened.extractfile(member)
            assert content is not None
            with content, target.open("xb") as file:
                shutil.copyfileobj(content, file)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{archive} holds {said} twice: nothing of it was kept.") from error
