"""Finding out which mask belongs to which image, and whom each pair comes from."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from segmint.data.convert.pictures import PICTURE_ENDINGS, source_ending
from segmint.data.formats import ENDINGS
from segmint.errors import UserError

_Key = tuple[PurePosixPath, str]
UNKNOWN = "one for each image, since nothing tells them apart"
"""How subjects were found where nothing but the images is known."""


@dataclass(frozen=True)
class MatchedPair:
    """An image and its mask.

    Args:
        image: The image file.
        mask: The mask file; None for an image that is kept without one.
        relative: Path of the image within the images folder.
        stem: Its name without ending.
    """

    image: Path
    mask: Path | None
    relative: PurePosixPath
    stem: str


def match_two_folders(
    images: Path, masks: Path, *, pattern: str, ignore: Sequence[str], besides: Path, keep_unlabelled: bool = False
) -> list[MatchedPair]:
    """Pair the files of two folders that have the same place and name, or a mask name that follows the pattern.

    Args:
        images: Folder of images.
        masks: Folder of masks; may lie within the other.
        pattern: Name of a mask, "*" standing for the name of its image.
        ignore: Patterns of names or relative paths to leave out.
        besides: Output folder, left out where it lies among the files.
        keep_unlabelled: An image without a mask is kept as one, instead of refused.

    Raises:
        UserError: a folder is missing or empty, or a file has no counterpart.
    """
    image_files = _by_key(images, _files(images, ignore, besides=(masks, besides)))
    mask_files = _by_key(masks, _files(masks, ignore, besides=(images, besides)))
    if not set(image_files) & set(mask_files):
        captured = _captured(mask_files, pattern)
        if captured:
            mask_files = captured
    return _paired(images, image_files, mask_files, masks=masks, keep_unlabelled=keep_unlabelled)


def match_tree(
    root: Path, *, pattern: str, ignore: Sequence[str], besides: Path, keep_unlabelled: bool = False
) -> list[MatchedPair]:
    """Pair the files of one tree: the mask of `X.ext` lies beside it and is named by the pattern, like `X_mask.ext`.

    Args: as in `match_two_folders`.

    Raises:
        UserError: the folder is missing, no name follows the pattern, or a file has no counterpart.
    """
    files = _by_key(root, _files(root, ignore, besides=(besides,)))
    masks = _captured(files, pattern)
    if not masks:
        raise UserError(
            f'No file in {root} is called "{pattern}", so no mask was found: give the pattern of the mask names with '
            "--pattern, "
            "or give the folder of the masks."
        )
    own_keys = {key for key in files if _capture(key[1], pattern) is not None}
    images = {key: path for key, path in files.items() if key not in own_keys}
    return _paired(root, images, masks, masks=root, keep_unlabelled=keep_unlabelled)


def case_ids(pairs: Sequence[MatchedPair]) -> list[str]:
    """A case id for every pair: the file's name, with its folders before it where names repeat.

    Raises:
        UserError: two names become the same once signs that file names should not hold are replaced.
    """
    counts = Counter(pair.stem for pair in pairs)
    ids = []
    for pair in pairs:
        parts = [pair.stem] if counts[pair.stem] == 1 else [*pair.relative.parent.parts, pair.stem]
        ids.append(_plain("_".join(parts)))
    owner: dict[str, MatchedPair] = {}
    for one, pair in zip(ids, pairs, strict=True):
        if one in owner:
            raise UserError(
                f'{owner[one].image} and {pair.image} would both become the case "{one}": rename one of them.'
            )
        owner[one] = pair
    return ids


def subjects_of(pairs: Sequence[MatchedPair], *, subject: str | None, ids: Sequence[str]) -> tuple[list[str], str]:
    """Subject of every pair, and how it was found, as half a sentence.

    Args:
        pairs: All pairs.
        subject: Regular expression, see `searched`, for the path of the image within its folder. Without one: the folder
            (the first one along the path that differs between images), or the case id where all images lie in one
            folder.
        ids: Case id of every pair.

    Raises:
        UserError: the expression is wrong, or does not match a path.
    """
    if subject is not None:
        return [searched(subject, pair.relative.as_posix()) for pair in pairs], f"by the expression {subject}"
    folders = [pair.relative.parent.parts for pair in pairs]
    depth = _common_depth(folders)
    if all(len(parts) > depth for parts in folders):
        return [parts[depth] for parts in folders], "by the name of the folder"
    if any(len(parts) > depth for parts in folders):
        loose = next(pair for pair, parts in zip(pairs, folders, strict=True) if len(parts) <= depth)
        raise UserError(
            f"{loose.image} lies outside the folders of the others, so its subject is not known: move it, or tell "
            "subjects "
            "apart with --subject REGEX."
        )
    return list(ids), UNKNOWN


def _files(folder: Path, ignore: Sequence[str], *, besides: Sequence[Path]) -> list[Path]:
    """Readable files of a folder and its subfolders, sorted, without those in folders of `besides` that lie within."""
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist or is no folder: give the folder of the images.")
    inner = [one.resolve() for one in besides if folder.resolve() in one.resolve().parents]
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts) or source_ending(path.name) is None:
            continue
        if any(path.resolve().is_relative_to(one) for one in inner):
            continue
        if any(fnmatch(path.name, one) or fnmatch(relative.as_posix(), one) for one in ignore):
            continue
        if path.is_file():
            found.append(path)
    if not found:
        endings = ", ".join(dict.fromkeys((*PICTURE_ENDINGS, *ENDINGS)))
        raise UserError(f"{folder} holds no files that can be read ({endings}): give the folder of the images.")
    return found


def _by_key(root: Path, files: Sequence[Path]) -> dict[_Key, Path]:
    keyed: dict[_Key, Path] = {}
    for path in files:
        relative = PurePosixPath(path.relative_to(root).as_posix())
        stem = path.name[: -len(source_ending(path.name) or "")]
        key = (relative.parent, stem)
        if key in keyed:
            raise UserError(
                f"{keyed[key]} and {path} have the same name: keep one of them, or set one aside with --ignore."
            )
        keyed[key] = path
    return keyed


def _capture(stem: str, pattern: str) -> str | None:
    before, _, after = pattern.partition("*")
    match = re.fullmatch(f"{re.escape(before)}(.+){re.escape(after)}", stem)
    return match[1] if match else None


def _captured(files: dict[_Key, Path], pattern: str) -> dict[_Key, Path]:
    if pattern.count("*") != 1 or pattern == "*":
        raise UserError(
            f'The pattern "{pattern}" must hold one "*", which stands for the name of the image, as in "*_mask".'
        )
    captured = {}
    for (parent, stem), path in files.items():
        image_stem = _capture(stem, pattern)
        if image_stem is not None:
            captured[(parent, image_stem)] = path
    return captured


def _paired(
    root: Path, images: dict[_Key, Path], mask_files: dict[_Key, Path], *, masks: Path, keep_unlabelled: bool
) -> list[MatchedPair]:
    lonely_images = [path for key, path in images.items() if key not in mask_files]
    lonely_masks = [path for key, path in mask_files.items() if key not in images]
    if lonely_images and not keep_unlabelled:
        raise UserError(
            f"{lonely_images[0]}{_more(lonely_images)} has no mask in {masks}: add it, leave the image out with --ignore, or keep"
            " all such images as unlabelled ones with --keep-unlabelled."
        )
    if len(lonely_images) == len(images):
        raise UserError(
            f"No image in {root} has a mask in {masks}, and a dataset needs at least one pair: look at the names, or give"
            " --pattern."
        )
    if lonely_masks:
        raise UserError(
            f"{lonely_masks[0]}{_more(lonely_masks)} is a mask without an image in {root}: add it, set the mask "
            "aside, or leave "
            "it out with --ignore."
        )
    return [
        MatchedPair(path, mask_files.get(key), PurePosixPath(path.relative_to(root).as_posix()), key[1])
        for key, path in sorted(images.items(), key=lambda item: (item[0][0].parts, item[0][1]))
    ]


def _common_depth(folders: Sequence[tuple[str, ...]]) -> int:
    """How many folders all paths share."""
    by_depth: dict[int, set[str | None]] = defaultdict(set)
    shortest = min(len(parts) for parts in folders)
    for parts in folders:
        for depth in range(shortest):
            by_depth[depth].add(parts[depth])
    return next((depth for depth in range(shortest) if len(by_depth[depth]) > 1), shortest)


def searched(expression: str, place: str) -> str:
    """The subject that a regular expression finds in a path: its group "subject", else its first group, else all of it.

    Raises:
        UserError: the expression is wrong, or finds nothing.
    """
    try:
        match = re.search(expression, place)
    except re.error as error:
        raise UserError(f'The expression "{expression}" of --subject is not valid ({error}).') from error
    if match is None:
        raise UserError(f'The expression "{expression}" of --subject finds nothing in "{place}": change it.')
    groups = match.groupdict()
    found = groups.get("subject") or (match[1] if match.re.groups else match[0])
    if not found:
        raise UserError(f'The expression "{expression}" of --subject finds an empty name in "{place}": change it.')
    return str(found)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-") or "case"


def _more(paths: Sequence[Path]) -> str:
    return f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
