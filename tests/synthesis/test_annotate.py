"""A run that waits for a person's labels, from its first command to its pairs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from tests.conftest import DATASETGAN, draw_discs

from segmint.data.dataset import open_dataset
from segmint.errors import UserError, WaitingForPerson
from segmint.synthesis.annotate import export_images, import_labels
from segmint.synthesis.sample import sample
from segmint.training.run_folder import RunFolder
from segmint.training.train import train


def command(folder: Path, **changes: Any) -> RunFolder:
    return train(
        "datasetgan",
        folder / "discs",
        out=folder / "run",
        kimg=0.008,
        batch=4,
        size=32,
        threads=1,
        settings={**DATASETGAN, "labels": "annotation"},
        precision="float32",
        device="cpu",
        progress=False,
        **changes,
    )


def label_all(folder: Path, *, value: int = 1) -> None:
    """What a person does in a labelling tool: one label map an image, on its grid."""
    for image in sorted((folder / "imagesTr").iterdir()):
        loaded = nibabel.load(image)
        ids = (loaded.get_fdata() > np.median(loaded.get_fdata())).astype(np.uint8) * value
        name = image.name.removesuffix("_0000.nii.gz")
        nibabel.save(nibabel.Nifti1Image(ids, loaded.affine), folder / "labelsTr" / f"{name}.nii.gz")


def test_from_waiting_to_pairs(tmp_path: Path) -> None:
    draw_discs(tmp_path / "discs")
    with pytest.raises(WaitingForPerson, match=r"annotate export .*run --n 16"):
        command(tmp_path)
    run = RunFolder(tmp_path / "run")
    assert run.status == "waiting for labels"
    assert run.config["labels_seen"] == []
    with pytest.raises(UserError, match="waits for labels"):
        sample(run.root, n=1, out=tmp_path / "none", device="cpu")

    out = export_images(run.root, n=3, out=tmp_path / "images", device="cpu")
    assert len(list((out / "imagesTr").iterdir())) == 3
    assert list((out / "labelsTr").iterdir()) == []
    with pytest.raises(UserError, match="label"):
        import_labels(run.root, out)
    label_all(out, value=0)
    with pytest.raises(UserError, match="are empty"):
        import_labels(run.root, out)
    other = shutil.copytree(out, tmp_path / "other")
    text = (other / "segmint.json").read_text()
    sha256 = open_dataset(out).provenance.checkpoint_sha256  # type: ignore[union-attr]
    (other / "segmint.json").write_text(text.replace(sha256, "0" * 64))
    with pytest.raises(UserError, match="does not hold images of"):
        import_labels(run.root, other)

    label_all(out)
    content = json.loads((out / "dataset.json").read_text())
    named = shutil.copytree(out, tmp_path / "named")
    names = list(content["labels"])
    for labels in (
        {**content["labels"], "cyst": len(names)},
        {names[0]: 0, "another": 1, **{name: number for number, name in enumerate(names[2:], start=2)}},
    ):
        (named / "dataset.json").write_text(json.dumps({**content, "labels": labels}))
        with pytest.raises(UserError, match="names the labels"):
            import_labels(run.root, named)

    import_labels(run.root, out)
    with pytest.raises(UserError, match="holds labels already: pass --overwrite"):
        import_labels(run.root, out)
    # Killed after it began to learn from them: others can still be given.
    run.set_status("running")
    import_labels(run.root, out, overwrite=True)
    assert command(tmp_path, resume=True).status == "done"
    assert len(open_dataset(sample(run.root, n=2, out=tmp_path / "pairs", device="cpu")).cases) == 2
    with pytest.raises(UserError, match="already learnt"):
        import_labels(run.root, out, overwrite=True)


def test_runs_that_take_no_labels_say_so(interpreted_run: Path, discs_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="labels=annotation"):
        import_labels(interpreted_run, tmp_path)
    with pytest.raises(UserError, match="draws no images without labels"):
        export_images(discs_run, n=1, out=tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()
