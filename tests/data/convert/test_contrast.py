from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.cli.main import main
from segmint.data.convert import convert_folders
from segmint.data.convert.contrast import percentile_maps
from segmint.data.dataset import open_dataset
from segmint.data.intensity import EIGHT_BIT, percentile_intensity
from segmint.data.slices import open_slices
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError


def dark(brightest: int, seed: int, channels: int = 3) -> np.ndarray:
    """A lit square on black, as 8-bit MR is: most of the range unused."""
    image = np.zeros((16, 16, channels), dtype=np.uint8)
    image[3:13, 3:13] = np.random.default_rng(seed).integers(1, brightest + 1, size=(10, 10, channels))
    return image


@pytest.fixture
def two_patients(tmp_path: Path) -> Path:
    """Two slices each of a dark and of a brighter patient; one slice is all but black."""
    for patient, brightest in (("ann", 60), ("ben", 120)):
        folder = tmp_path / "source" / patient
        folder.mkdir(parents=True)
        for number, top in enumerate((brightest, 3)):
            Image.fromarray(dark(top, seed=number)).save(folder / f"{patient}_{number}.png")
            mask = np.zeros((16, 16), dtype=np.uint8)
            mask[5:8, 5:8] = 255
            Image.fromarray(mask).save(folder / f"{patient}_{number}_mask.png")
    return tmp_path / "source"


def test_all_pictures_of_a_name_share_their_maps() -> None:
    pictures = {("ann", seed): np.moveaxis(dark(60, seed), -1, 0) for seed in range(3)}
    pictures["ben", 0] = np.moveaxis(dark(200, 9), -1, 0)
    maps = percentile_maps((name, lambda image=image: image) for (name, _), image in pictures.items())
    assert list(maps) == ["ann", "ben"]
    together = np.concatenate([pictures["ann", seed][1].ravel() for seed in range(3)])
    assert maps["ann"][1] == percentile_intensity(together)
    assert maps["ann"][0].high < 61 < maps["ben"][0].high


def test_folders_record_percentiles_of_each_subject(two_patients: Path, tmp_path: Path) -> None:
    result = convert_folders(two_patients, out=tmp_path / "out", contrast="subject")
    cases = {case.id: case for case in open_dataset(result.dataset).cases}
    assert cases["ann_0"].intensity == cases["ann_1"].intensity
    assert cases["ann_0"].intensity != cases["ben_0"].intensity
    for case in cases.values():
        assert case.intensity is not None
        assert [one.kind for one in case.intensity] == ["percentile"] * 3
    plain = convert_folders(two_patients, out=tmp_path / "plain")
    assert all(case.intensity is None for case in open_dataset(plain.dataset).cases)


def test_training_sees_tissue_in_the_whole_range(
    two_patients: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path / "cache"))
    dataset = open_dataset(convert_folders(two_patients, out=tmp_path / "out", contrast="subject").dataset)
    slices = open_slices(dataset, size=16)
    bright = [float(slices.images[i].max()) for i, record in enumerate(slices.records) if record.case.endswith("_0")]
    noise = [float(slices.images[i].max()) for i, record in enumerate(slices.records) if record.case.endswith("_1")]
    assert bright == [1.0, 1.0]
    assert max(noise) < -0.85, "a slice of little but noise is not stretched by itself"


def test_images_given_back_stay_8_bit(tmp_path: Path) -> None:
    """A 16-bit picture in colour cannot be stored, and one in grey would not be what the dataset holds."""
    maps = percentile_maps([("ann", lambda: np.moveaxis(dark(60, 0), -1, 0))])["ann"]
    assert max(one.high for one in maps) < EIGHT_BIT[1]
    (tmp_path / "out").mkdir()
    writer = DatasetWriter(
        tmp_path / "out",
        name="out",
        channel_names=("a", "b", "c"),
        label_names=("background", "x"),
        file_ending=".png",
        rgb=True,
    )
    given = np.stack([one.restore(np.linspace(-1, 1, 64).reshape(8, 8)) for one in maps])
    writer.add("one", given, np.zeros((8, 8), dtype=np.uint8), subject="ann", intensity=maps)
    writer.finish()
    with Image.open(tmp_path / "out" / "imagesTr" / "one_0000.png") as picture:
        assert picture.mode == "RGB"
        assert np.abs(np.moveaxis(np.asarray(picture), -1, 0) - given).max() <= 0.5


def test_the_command_line_takes_two_words(
    two_patients: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["data", "convert", "folders", str(two_patients), "--out", str(tmp_path / "out"), "--contrast"]
    assert main([*command, "slice"]) == 2
    assert capsys.readouterr().err == "segmint: --contrast slice: choose file or subject.\n"
    assert main([*command, "subject"]) == 0
    assert open_dataset(tmp_path / "out").cases[0].intensity is not None


def test_grey_pictures_among_colour_ones_share_one_map(tmp_path: Path) -> None:
    """Colour pictures whose channels are equal become grey ones, and so do their maps."""
    (tmp_path / "source" / "ann").mkdir(parents=True)
    (tmp_path / "source" / "ben").mkdir()
    for number, channels in enumerate((1, 3)):
        for patient in ("ann", "ben"):
            image = np.repeat(dark(60, number, channels=1), channels, axis=-1)
            path = tmp_path / "source" / patient / f"{patient}_{number}.png"
            Image.fromarray(image if channels == 3 else image[..., 0]).save(path)
            Image.fromarray(image[..., 0] // 50 * 255).save(path.with_name(f"{patient}_{number}_mask.png"))
    result = convert_folders(tmp_path / "source", out=tmp_path / "out", contrast="subject")
    assert [len(case.intensity or ()) for case in open_dataset(result.dataset).cases] == [1] * 4


def test_subjects_must_be_known(two_patients: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for name in ("a", "b"):
        shutil.copy(two_patients / "ann" / "ann_0.png", tmp_path / "images" / f"{name}.png")
        shutil.copy(two_patients / "ann" / "ann_0_mask.png", tmp_path / "masks" / f"{name}.png")
    with pytest.raises(UserError, match="nothing tells subjects apart"):
        convert_folders(tmp_path / "images", tmp_path / "masks", out=tmp_path / "out", contrast="subject")
    assert not (tmp_path / "out").exists()
