"""Folders of images and masks become datasets, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.data.convert.pictures import disc, grey, save

from segmint.data.convert import convert_folders
from segmint.data.dataset import open_dataset
from segmint.errors import UserError


def test_two_folders_with_equal_names(two_folders: Path) -> None:
    result = convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out", licence="CC0")
    assert result.subject_kind == open_dataset(result.dataset).subject_kind == "image"
    assert (result.pairs, result.subjects) == (3, 3)
    assert result.messages == (
        "3 pairs of 3 subjects (one for each image, since nothing tells them apart); channels: image.",
        "Mask values were mapped to consecutive ids: 0 -> 0 background, 255 -> 1 foreground.",
        "If a subject has several images, say so with --subject REGEX, or it may end up in train and test; until "
        "subjects are known, a trial is described, not judged.",
    )
    dataset = open_dataset(result.dataset)
    assert (dataset.name, dataset.licence) == ("out", "CC0")
    for case in dataset.cases:
        stored = np.array(Image.open(two_folders / "images" / f"{case.id}.png"))
        assert np.array_equal(dataset.read_image(case)[0], stored)
        assert np.array_equal(dataset.read_label(case), disc(1))


def test_two_folders_with_a_mask_pattern(two_folders: Path) -> None:
    for path in list((two_folders / "masks").iterdir()):
        path.rename(path.with_name(f"seg-{path.name}"))
    result = convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out", pattern="seg-*")
    assert [case.id for case in open_dataset(result.dataset).cases] == ["a", "b", "c"]


def test_a_tree_with_masks_beside_images(tmp_path: Path) -> None:
    for patient in ("p1", "p2"):
        for number in (1, 2):
            save(tmp_path / "in" / patient / f"{number}.png", grey())
            save(tmp_path / "in" / patient / f"{number}_mask.png", disc(7) if number == 1 else disc(0))
    (tmp_path / "in" / "data.csv").write_text("a,b")
    (tmp_path / "in" / "._1.png").write_text("left by an archive")
    result = convert_folders(tmp_path / "in", out=tmp_path / "out")
    dataset = open_dataset(result.dataset)
    assert [case.id for case in dataset.cases] == ["p1_1", "p1_2", "p2_1", "p2_2"], "names repeat, so folders go before"
    assert dataset.subjects == ("p1", "p2")
    assert "0 -> 0 background, 7 -> 1 foreground" in result.messages[1]
    assert "2 of 4 masks are empty." in result.messages


def test_masks_may_lie_below_the_images(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / "in" / f"{name}.png", grey())
        save(tmp_path / "in" / "masks" / f"{name}.png", disc())
    assert convert_folders(tmp_path / "in", tmp_path / "in" / "masks", out=tmp_path / "out").pairs == 2


def test_the_output_may_lie_below_the_input(two_folders: Path) -> None:
    for path in list((two_folders / "masks").iterdir()):
        path.rename(two_folders / "images" / f"{path.stem}_mask.png")
    for _ in range(2):
        out = two_folders / "images" / "converted"
        assert convert_folders(two_folders / "images", out=out, overwrite=True).pairs == 3


def test_subjects_by_the_first_folder_that_differs(tmp_path: Path) -> None:
    for patient in ("p1", "p2"):
        for visit in ("before", "after"):
            save(tmp_path / "in" / "study" / patient / visit / "x.png", grey())
            save(tmp_path / "in" / "study" / patient / visit / "x_mask.png", disc())
    assert open_dataset(convert_folders(tmp_path / "in", out=tmp_path / "out").dataset).subjects == ("p1", "p2")


@pytest.mark.parametrize("expression", [r"^(\w)\d", r"(?P<subject>\w)\d", r"^[ab]"])
def test_subjects_by_expression(tmp_path: Path, expression: str) -> None:
    for name in ("a1", "a2", "b1"):
        save(tmp_path / "in" / f"{name}.png", grey())
        save(tmp_path / "in" / f"{name}_mask.png", disc())
    result = convert_folders(tmp_path / "in", out=tmp_path / "out", subject=expression)
    assert open_dataset(result.dataset).subjects == ("a", "b")
    assert f"(by the expression {expression})" in result.messages[0]


def test_jpg_gif_and_bmp_images_become_png(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.jpg", grey())
    save(tmp_path / "in" / "b.gif", grey())
    save(tmp_path / "in" / "c.bmp", grey())
    save(tmp_path / "in" / "a_mask.gif", disc())
    save(tmp_path / "in" / "b_mask.bmp", disc())
    save(tmp_path / "in" / "c_mask.png", disc() > 0)
    out = tmp_path / "out"
    with pytest.raises(UserError, match="holds the value 1, one of 3 values"):
        convert_folders(tmp_path / "in", out=out)  # the 1-bit mask says 1 where the others say 255
    result = convert_folders(tmp_path / "in", out=out, threshold=1)
    dataset = open_dataset(result.dataset)
    assert dataset.file_ending == ".png"
    for case, ending in zip(dataset.cases, ("jpg", "gif", "bmp"), strict=True):
        decoded = np.array(Image.open(tmp_path / "in" / f"{case.id}.{ending}").convert("L"))
        assert np.array_equal(dataset.read_image(case)[0], decoded)
        assert np.array_equal(dataset.read_label(case), disc(1))


def test_jpg_masks_need_a_threshold(two_folders: Path) -> None:
    for path in list((two_folders / "masks").iterdir()):
        save(path.with_suffix(".jpg"), np.array(Image.open(path)))
        path.unlink()
    arguments = {"images": two_folders / "images", "masks": two_folders / "masks", "out": two_folders / "out"}
    with pytest.raises(UserError, match=r"a\.jpg is a JPG, which changes mask values"):
        convert_folders(**arguments)
    result = convert_folders(**arguments, threshold=128)
    assert "Masks were cut: 128 and above is foreground." in result.messages
    dataset = open_dataset(result.dataset)
    assert (dataset.read_label(dataset.cases[0]) == disc(1)).mean() > 0.95


@pytest.mark.parametrize("values", [[1, 2, 254, 255], list(range(0, 250, 6))])
def test_traces_of_lossy_compression_are_refused(two_folders: Path, values: list[int]) -> None:
    mask = disc()
    mask.flat[: len(values)] = values
    save(two_folders / "masks" / "b.png", mask)
    arguments = {"images": two_folders / "images", "masks": two_folders / "masks", "out": two_folders / "out"}
    with pytest.raises(UserError, match="looks like lossy compression"):
        convert_folders(**arguments)
    assert not (two_folders / "out").exists()
    if len(values) == 4:
        named = {"background": 0, "p": 1, "q": 2, "r": 254, "s": 255}
        dataset = open_dataset(convert_folders(**arguments, labels=named).dataset)
        assert dataset.label_names == ("background", "p", "q", "r", "s")


def test_colour_masks_are_refused_and_explained(two_folders: Path) -> None:
    colours = np.zeros((8, 10, 3), np.uint8)
    colours[2:4, 2:4] = (255, 0, 0)
    save(two_folders / "masks" / "b.png", colours)
    with pytest.raises(
        UserError, match=r"b\.png is a colour picture, and which colour means which label cannot be guessed"
    ):
        convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out")


def test_grey_masks_saved_as_colour_and_palettes_are_read(two_folders: Path) -> None:
    save(two_folders / "masks" / "b.png", np.repeat(disc()[..., None], 3, axis=2))
    palette = Image.fromarray((disc() > 0).astype(np.uint8)).convert("P")
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.save(two_folders / "masks" / "c.png")
    dataset = open_dataset(
        convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out").dataset
    )
    assert all(np.array_equal(dataset.read_label(case), disc(1)) for case in dataset.cases)


def test_the_index_of_a_colour_palette_is_the_id(two_folders: Path) -> None:
    for path in (two_folders / "masks").iterdir():
        mask = Image.fromarray((disc() > 0).astype(np.uint8) * 2).convert("P")
        mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
        mask.save(path)
    result = convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out")
    assert any("its index was taken as the label id" in message for message in result.messages)
    assert "2 -> 1 foreground" in result.messages[1]


def test_grey_pictures_saved_as_colour_become_one_channel(two_folders: Path) -> None:
    for path in (two_folders / "images").iterdir():
        save(path, np.repeat(grey()[..., None], 3, axis=2))
    result = convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out", modality="X-ray")
    assert open_dataset(result.dataset).channel_names == ("X-ray",)
    assert any("one grey channel was kept" in message for message in result.messages)
    three = convert_folders(
        two_folders / "images", two_folders / "masks", out=two_folders / "three", channel_names=("a", "b", "c")
    )
    assert open_dataset(three.dataset).rgb


def test_opaque_alpha_is_dropped_and_transparency_refused(two_folders: Path) -> None:
    opaque = np.dstack([grey((8, 10, 3)), np.full((8, 10), 255, np.uint8)])
    for path in (two_folders / "images").iterdir():
        save(path, opaque)
    arguments = {"images": two_folders / "images", "masks": two_folders / "masks", "out": two_folders / "out"}
    dataset = open_dataset(convert_folders(**arguments).dataset)
    assert np.array_equal(dataset.read_image(dataset.cases[0]), np.moveaxis(opaque[..., :3], -1, 0))
    opaque[0, 0, 3] = 0
    save(two_folders / "images" / "a.png", opaque)
    with pytest.raises(UserError, match=r"a\.png is partly transparent"):
        convert_folders(**arguments, overwrite=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bit_depth_is_kept(tmp_path: Path, dtype: type) -> None:
    pixels = grey(dtype=dtype)
    save(tmp_path / "in" / "a.png", pixels)
    save(tmp_path / "in" / "a_mask.png", disc())
    dataset = open_dataset(convert_folders(tmp_path / "in", out=tmp_path / "out").dataset)
    assert np.array_equal(dataset.format.read_image(dataset.cases[0].image_paths[0])[0], pixels)
    assert dataset.geometry(dataset.cases[0]).dtype == dtype


def test_tiff_trees_stay_tiff(tmp_path: Path) -> None:
    colours = grey((8, 10, 3))
    (tmp_path / "in" / "p1").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "in" / "p1" / "a.tif", colours, photometric="rgb")
    tifffile.imwrite(tmp_path / "in" / "p1" / "a_mask.tif", disc())
    dataset = open_dataset(convert_folders(tmp_path / "in", out=tmp_path / "out").dataset)
    assert (dataset.file_ending, dataset.rgb) == (".tif", True)
    assert np.array_equal(dataset.read_image(dataset.cases[0]), np.moveaxis(colours, -1, 0))


def test_volumes_keep_their_affine(tmp_path: Path) -> None:
    affine = np.array([[0, -1.5, 0, 7], [2.0, 0, 0, 8], [0, 0, 4.0, 9], [0, 0, 0, 1]])
    voxels = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    mask = (voxels > 1).astype(np.float64) * 3
    for folder, array in (("images", voxels), ("masks", mask)):
        (tmp_path / folder).mkdir()
        nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / folder / "a.nii.gz")
    result = convert_folders(tmp_path / "images", tmp_path / "masks", out=tmp_path / "out", modality="CT")
    dataset = open_dataset(result.dataset)
    case = dataset.cases[0]
    assert np.array_equal(dataset.read_image(case)[0], voxels)
    assert np.array_equal(dataset.read_label(case), mask / 3)
    assert np.array_equal(dataset.affine(case), affine)
    assert dataset.spacing(case) == (2.0, 1.5, 4.0)
    assert nibabel.load(case.label_path).get_data_dtype() == np.uint8


def _lonely_image(root: Path) -> None:
    (root / "masks" / "b.png").unlink()


def _lonely_mask(root: Path) -> None:
    (root / "images" / "b.png").unlink()


def _other_shape(root: Path) -> None:
    save(root / "masks" / "b.png", disc(shape=(8, 11)))


def _all_empty(root: Path) -> None:
    for path in (root / "masks").iterdir():
        save(path, disc(0))


def _cut_image(root: Path) -> None:
    path = root / "images" / "b.png"
    path.write_bytes(path.read_bytes()[:70])


def _two_kinds(root: Path) -> None:
    tifffile.imwrite(root / "images" / "b.tif", grey())
    (root / "images" / "b.png").unlink()


def _same_name(root: Path) -> None:
    save(root / "images" / "b.jpg", grey())


def _mixed_channels(root: Path) -> None:
    save(root / "images" / "b.png", grey((8, 10, 3)))


def _no_images(root: Path) -> None:
    for path in (root / "images").iterdir():
        path.unlink()


def _animated(root: Path) -> None:
    frames = [Image.fromarray(grey()) for _ in range(2)]
    frames[0].save(root / "images" / "b.gif", save_all=True, append_images=frames[1:])
    (root / "images" / "b.png").unlink()


def _no_folder(root: Path) -> None:
    (root / "masks").rename(root / "elsewhere")


def _loose(root: Path) -> None:
    for kind in ("images", "masks"):
        (root / kind / "p").mkdir()
        (root / kind / "a.png").rename(root / kind / "p" / "a.png")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_lonely_image, r"b\.png has no mask in .*masks: add it"),
        (_lonely_mask, r"b\.png is a mask without an image in .*images"),
        (_other_shape, r"masks/b\.png has the shape 8 x 11 but .*images/b\.png has 8 x 10"),
        (_all_empty, "All masks in .*masks are empty"),
        (_cut_image, r"b\.png is damaged"),
        (_two_kinds, "are of different kinds"),
        (_same_name, "have the same name"),
        (_mixed_channels, "has 1 channels but .* has 3"),
        (_no_images, "holds no files that can be read"),
        (_animated, "is animated"),
        (_no_folder, "masks does not exist"),
        (_loose, "lies outside the folders of the others"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(two_folders: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(two_folders)
    with pytest.raises(UserError, match=said) as caught:
        convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in two_folders.iterdir() if path.name.startswith((".", "out"))) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"subject": "("}, "is not valid"),
        ({"subject": "patient"}, "finds nothing in"),
        ({"channel_names": ("a", "b")}, "the images have 1 channel, give"),
        ({"labels": ("a", "b")}, "2 different label names are given but .* hold 1 labels"),
        ({"labels": {"a": 7}}, "holds the value 255, which no label is named for"),
        ({"labels": {"background": 0}}, "No label is named beside"),
        ({"labels": {"a": 255, "b": 255}}, "the same value"),
        ({"pattern": "mask", "masks": None}, r'must hold one "\*"'),
        ({"pattern": "*_seg", "masks": None}, r'No file in .* is called "\*_seg"'),
    ],
)
def test_arguments_that_do_not_fit_are_refused(two_folders: Path, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        convert_folders(
            two_folders / "images", **{"masks": two_folders / "masks", "out": two_folders / "out", **arguments}
        )  # type: ignore[arg-type]


def test_an_existing_output_is_kept(two_folders: Path) -> None:
    (two_folders / "out").mkdir()
    (two_folders / "out" / "precious.txt").write_text("x")
    with pytest.raises(UserError, match="exists already"):
        convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out")
    assert (two_folders / "out" / "precious.txt").exists()


def test_names_that_become_equal_are_refused(tmp_path: Path) -> None:
    for name in ("a b", "a-b"):
        save(tmp_path / "in" / f"{name}.png", grey())
        save(tmp_path / "in" / f"{name}_mask.png", disc())
    with pytest.raises(UserError, match='both become the case "a-b"'):
        convert_folders(tmp_path / "in", out=tmp_path / "out")
