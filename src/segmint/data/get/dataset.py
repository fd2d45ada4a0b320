"""`segmint data get`: a published dataset, fetched, checked, and unpacked as its owners ship it."""

from __future__ import annotations

from pathlib import Path

from segmint.data.cache import cache_root
from segmint.data.get.archive import unpack
from segmint.data.get.catalogue import Published, find_published
from segmint.data.get.transfer import fetch
from segmint.errors import UserError
from segmint.locks import alone
from segmint.outputs import check_target, staged_folder


def get_dataset(name: str, *, out: Path | str, overwrite: bool = False, progress: bool = True) -> Path:
    """Download a dataset, check its sum, and unpack it into `out`, for `segmint.convert_layout`.

    The archive is kept in the cache (`SEGMINT_CACHE`) until it is unpacked. A download that was stopped goes on where it
    stopped.

    Args:
        name: see `segmint.data.get.catalogue.CATALOGUE`.
        out: folder to write.
        overwrite: replace what is at `out`.
        progress: show how much has come.

    Returns:
        `out`.

    Raises:
        UserError: there is no such dataset or it must be got by hand, it cannot be reached, is not what was published, `out`
            exists, or another process is fetching it.
    """
    published, target = find_published(name), Path(out)
    check_target(target, overwrite=overwrite)
    archive = cache_root() / "archives" / published.url.rpartition("/")[2]
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The cache {archive.parent} cannot be written ({error.strerror}): point SEGMINT_CACHE to another folder."
        ) from error
    with alone(archive):
        fetch(published.url, published.checksum, archive, progress=progress)
        with staged_folder(target, overwrite=overwrite) as staging:
            unpack(archive, staging)
            if published.inner:
                _bring_out(staging, published)
        archive.unlink()
    return target


def _bring_out(folder: Path, published: Published) -> None:
    """The files of the folder that an archive holds, to where that folder lies."""
    inner = folder / published.inner
    if not inner.is_dir():
        raise UserError(f"{published.url} holds no folder {published.inner}: get it by hand.")
    for path in inner.iterdir():
        path.rename(folder / path.name)
    inner.rmdir()
