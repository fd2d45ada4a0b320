"""Any two folders of images and masks, or one tree with masks beside the images, into an nnU-Net v2 dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segmint.data.convert.contrast import Contrast, percentile_maps
from segmint.data.convert.mask_values import LabelMapping, map_values
from segmint.data.convert.matching import UNKNOWN, MatchedPair, case_ids, match_tree, match_two_folders, subjects_of
from segmint.data.convert.pictures import Mask, Picture, is_lossy, read_image, read_mask, source_ending, target_ending
from segmint.data.convert.pseudonyms import Codes, Name, Pseudonyms
from segmint.data.formats.format import AnyArray
from segmint.data.grid import distance_apart
from segmint.data.subjects import SubjectKind
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.outputs import check_target, staged_folder

RGB_NAMES = ("red", "green", "blue")


@dataclass(frozen=True)
class ConversionResult:
    """What a conversion wrote.

    Args:
        dataset: The new dataset folder.
        pairs: How many.
        subjects: How many.
        subject_kind: What they are.
        unlabelled: How many images without a mask.
        messages: Sentences to print: what was found, what was mapped, what to check.
    """

    dataset: Path
    pairs: int
    subjects: int
    messages: tuple[str, ...]
    subject_kind: SubjectKind = "subject"
    unlabelled: int = 0


@dataclass(frozen=True)
class _Survey:
    """What one pass over all files found before anything is written."""

    channels: int
    collapse_grey: bool
    mask_values: Mapping[int, Path]
    palette_mask: Path | None
    empty_masks: int

    def kept(self, channels: AnyArray) -> AnyArray:
        """Of three equal colour channels the first."""
        return channels[:1] if self.collapse_grey else channels


def convert_folders(
    images: Path | str,
    masks: Path | str | None = None,
    *,
    out: Path | str,
    pattern: str = "*_mask",
    ignore: Sequence[str] = (),
    keep_unlabelled: bool = False,
    subject: str | None = None,
    channel_names: Sequence[str] | None = None,
    labels: Mapping[str, int] | Sequence[str] | None = None,
    threshold: int | None = None,
    modality: str | None = None,
    contrast: Contrast = "file",
    name: str | None = None,
    licence: str | None = None,
    pseudonyms: Pseudonyms | None = None,
    overwrite: bool = False,
) -> ConversionResult:
    """Convert images and masks.

    JPG, GIF and BMP are decoded to PNG; PNG, TIFF and NIfTI keep their bit depth. RGB becomes one file with three
    channels, unless all its channels are equal everywhere: then one grey channel.

    Args:
        images: Folder of images, searched with its subfolders.
        masks: Folder of masks with the same names; None: each mask lies beside its image, named by `pattern`.
        out: Dataset to write.
        pattern: Name of a mask without ending; "*" stands for the name of its image. With two folders it is used where
            no mask has the very name of an image.
        ignore: Patterns of files to leave out, such as "*_2ndHO*", matched against the name and the path in its folder.
        keep_unlabelled: Images without a mask go to imagesUnlabelled; without this they are refused.
        subject: Regular expression for the subject, see `matching.subjects_of`.
        channel_names: One name for each channel.
        labels: Names, or name -> mask value, see `mask_values.map_values`.
        threshold: Makes two-valued masks first: values at or above it are foreground. Needed for JPG masks.
        modality: Such as "CT" or "MR": names the channels where `channel_names` does not.
        contrast: "subject" records percentile maps over all pictures of each subject, between which the training then sees
            them, as wants MR stored in 8 bits; "file" leaves 8-bit pictures the range of their format.
        name: Of the dataset; the name of `out` by default.
        licence: Of the images, stored with the dataset.
        pseudonyms: Replaces the names of subjects and cases by codes.
        overwrite: Replace an existing `out`.

    Raises:
        UserError: files do not match, differ in shape, are damaged, or hold what cannot be converted without guessing.
    """
    images, target = Path(images), Path(out)
    masks_folder = None if masks is None else Path(masks)
    check_target(target, overwrite=overwrite, inputs=[images, *([masks_folder] if masks_folder else [])])
    if pseudonyms is not None:
        pseudonyms.check(target)
    if masks_folder is None:
        found = match_tree(images, pattern=pattern, ignore=ignore, besides=target, keep_unlabelled=keep_unlabelled)
    else:
        found = match_two_folders(
            images, masks_folder, pattern=pattern, ignore=ignore, besides=target, keep_unlabelled=keep_unlabelled
        )
    ids = case_ids(found)
    subjects, manner = subjects_of(found, subject=subject, ids=ids)
    codes = None
    if pseudonyms is not None:
        codes = pseudonyms.codes(
            [
                Name(one, whom, place=pair.relative.as_posix())
                for pair, one, whom in zip(found, ids, subjects, strict=True)
            ]
        )
        found, ids, subjects = _coded(found, codes)
    ending = _ending(found)
    survey = _survey(found, threshold=threshold, keep_three=channel_names is not None and len(channel_names) == 3)
    mapping = map_values(survey.mask_values, labels=labels, where=masks_folder or images)
    names = _channel_names(survey.channels, channel_names, modality)

    maps = {}
    if contrast == "subject":
        if manner == UNKNOWN:
            raise UserError(
                "--contrast subject stretches all pictures of a subject alike, but nothing tells subjects apart here: say how with"
                " --subject REGEX."
            )
        maps = percentile_maps(zip(subjects, (_reader(pair.image, survey) for pair in found), strict=True))
    kind: SubjectKind = "image" if manner == UNKNOWN else "subject"

    with staged_folder(target, overwrite=overwrite) as staging:
        writer = DatasetWriter(
            staging,
            name=name or target.name,
            channel_names=names,
            label_names=mapping.names,
            file_ending=ending,
            licence=licence,
            rgb=survey.channels == 3 and ending != ".nii.gz",
            subject_kind=kind,
        )
        for pair, one, whom in zip(found, ids, subjects, strict=True):
            picture = read_image(pair.image)
            channels = survey.kept(picture.channels)
            label = None if pair.mask is None else mapping.apply(_read_mask(pair.mask, threshold).values)
            writer.add(
                one,
                channels,
                label,
                subject=whom,
                spacing=picture.spacing,
                affine=picture.affine,
                intensity=maps.get(whom),
            )
        writer.finish()
        if pseudonyms is not None and codes is not None:
            pseudonyms.write_key(codes)
    owners = [whom for pair, whom in zip(found, subjects, strict=True) if pair.mask is not None]
    messages = _messages(owners, manner, names, mapping, survey)
    if threshold is not None:
        messages.insert(1, f"Masks were cut: {threshold} and above is foreground.")
    unlabelled = len(found) - len(owners)
    if unlabelled:
        images_kept = f"{unlabelled} image{'s' if unlabelled > 1 else ''} without a mask"
        messages.insert(1, f"{images_kept} went to imagesUnlabelled.")
    return ConversionResult(target, len(owners), len(set(owners)), tuple(messages), kind, unlabelled)


def _coded(found: Sequence[MatchedPair], codes: Codes) -> tuple[list[MatchedPair], list[str], list[str]]:
    """Pairs, case ids and subjects under codes, in the order of these: that of the names would tell something of them."""
    told = [codes.of(name) for name in codes.names]
    ordered = sorted(zip(found, told, strict=True), key=lambda one: one[1].case)
    return (
        [pair for pair, _ in ordered],
        [name.case for _, name in ordered],
        [name.subject for _, name in ordered],
    )


def _reader(image: Path, survey: _Survey) -> Callable[[], AnyArray]:
    return lambda: survey.kept(read_image(image).channels)


def _survey(pairs: Sequence[MatchedPair], *, threshold: int | None, keep_three: bool) -> _Survey:
    """Look at every file once: shapes, channels, mask values."""
    first_with: dict[int, Path] = {}
    values: dict[int, Path] = {}
    palette: Path | None = None
    empty = 0
    all_equal = True
    for pair in pairs:
        picture = read_image(pair.image)
        channels = picture.channels
        _refuse_not_finite(pair.image, channels)
        if pair.mask is not None:
            mask = _fitting_mask(pair.mask, pair.image, picture, threshold)
            here = np.unique(mask.values)
            empty += bool(len(here) == 1 and here[0] == 0)
            for value in here:
                values.setdefault(int(value), pair.mask)
            if mask.palette:
                palette = palette or pair.mask
        count = channels.shape[0]
        all_equal = all_equal and (count == 1 or (count == 3 and bool((channels == channels[:1]).all())))
        first_with.setdefault(count, pair.image)
    collapse = all_equal and 3 in first_with and not keep_three
    if len(first_with) > 1 and not collapse:
        (one, first), (other, second) = list(first_with.items())[:2]
        raise UserError(f"{first} has {one} channels but {second} has {other}: all images must have the same channels.")
    channels_of_all = 1 if collapse else next(iter(first_with))
    return _Survey(channels_of_all, collapse, values, palette, empty)


def _fitting_mask(path: Path, image: Path, picture: Picture, threshold: int | None) -> Mask:
    if is_lossy(path) and threshold is None:
        raise UserError(
            f"{path} is a JPG, which changes mask values at every edge: use masks in PNG, or cut them with --threshold 128."
        )
    mask = _read_mask(path, threshold)
    shape = picture.channels.shape[1:]
    if mask.values.shape != shape:
        raise UserError(
            f"{path} has the shape {_written(mask.values.shape)} but {image} has {_written(shape)}: an image and"
            " its mask must lie on the same grid."
        )
    if picture.affine is not None and mask.affine is not None:
        apart = distance_apart(shape, mask.affine, picture.affine)
        if apart is not None:
            raise UserError(
                f"{path} lies {apart:.3g} mm away from {image} according to their headers: resample it onto the same grid, or"
                " mend its header."
            )
    return mask


def _read_mask(path: Path, threshold: int | None) -> Mask:
    mask = read_mask(path)
    if threshold is None:
        return mask
    return Mask((mask.values >= threshold).astype(np.int64), affine=mask.affine)


def _refuse_not_finite(path: Path, channels: AnyArray) -> None:
    if channels.dtype.kind == "f" and not np.isfinite(channels).all():
        raise UserError(
            f"{path} holds intensities that are NaN or infinite: replace them by a number, such as the background's."
        )


def _ending(pairs: Sequence[MatchedPair]) -> str:
    """The one ending that all pairs can be stored with."""
    endings: dict[str, Path] = {}
    for pair in pairs:
        endings.setdefault(target_ending(source_ending(pair.image.name) or ""), pair.image)
    if len(endings) > 1:
        one, other = list(endings.values())[:2]
        raise UserError(
            f"{one} and {other} are of different kinds: convert pictures, TIFF and NIfTI into separate datasets."
        )
    return next(iter(endings))


def _channel_names(count: int, given: Sequence[str] | None, modality: str | None) -> tuple[str, ...]:
    if given is not None:
        names = tuple(given)
        if len(names) != count or len(set(names)) != count or not all(names):
            raise UserError(
                f"The channel names {', '.join(names) or 'are missing'} do not fit: the images have {count} "
                f"channel{'s' if count > 1 else ''}, give each one name of its own."
            )
        return names
    if count == 1:
        return (modality or "image",)
    plain = RGB_NAMES if count == 3 else tuple(str(channel) for channel in range(count))
    return tuple(f"{modality} {channel}" for channel in plain) if modality else plain


def _messages(
    subjects: Sequence[str],
    manner: str,
    names: Sequence[str],
    mapping: LabelMapping,
    survey: _Survey,
) -> list[str]:
    pairs, count = len(subjects), len(set(subjects))
    messages = [
        f"{pairs} pair{'s' if pairs != 1 else ''} of {count} subject{'s' if count != 1 else ''} ({manner}); "
        f"channels: {', '.join(names)}.",
        mapping.sentence(),
    ]
    if survey.collapse_grey:
        messages.append("The colour channels are equal in every image, so one grey channel was kept.")
    if survey.palette_mask is not None:
        messages.append(
            f"Masks such as {survey.palette_mask.name} have a colour palette: its index was taken as the label id."
        )
    if survey.empty_masks:
        messages.append(f"{survey.empty_masks} of {pairs} masks are empty.")
    if manner == UNKNOWN:
        messages.append(
            "If a subject has several images, say so with --subject REGEX, or it may end up in train and test; until "
            "subjects are known, a trial is described, not judged."
        )
    return messages


def _written(shape: tuple[int, ...]) -> str:
    return " x ".join(str(side) for side in shape)
