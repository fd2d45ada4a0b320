"""What lies beside exported arms: how they are made up, and how nnU-Net is to be run so that only the pairs differ.

Commands and the drawing of cases are those of nnU-Net v2 (documentation/pretraining_and_finetuning.md; `nnUNetDataLoader` draws
every case of a fold alike, and from it a slice).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from segmint.outputs import write_json, write_text

RESULT, GUIDE = "export.json", "README.md"
PLANS = "nnUNetPlansOfReal"


@dataclass(frozen=True)
class ExportedArm:
    """One dataset.

    Attributes:
        arm: its name; folder: of the dataset; number: nnU-Net's; fold: of a cross-validated trial, from 0, or None.
        real_cases, real_slices: real training cases, and the slices in them; cases and slices are the same of 2-D images.
        synthetic_cases, synthetic_slices: the same of synthetic pairs.
        stacks: by synthetic volume, the pairs that were stacked into it; empty of 2-D images.
    """

    arm: str
    folder: str
    number: int
    fold: int | None
    real_cases: int
    real_slices: int
    synthetic_cases: int
    synthetic_slices: int
    stacks: dict[str, list[str]]

    @property
    def share_asked(self) -> float:
        """Of synthetic slices among all that the arm trains on."""
        return self.synthetic_slices / (self.real_slices + self.synthetic_slices)

    @property
    def share_drawn(self) -> float:
        """Of synthetic slices among those that a segmenter sees that draws every case alike."""
        return self.synthetic_cases / (self.real_cases + self.synthetic_cases)


def write_guide(folder: Path, arms: Sequence[ExportedArm], *, volumes: bool) -> None:
    """Write `export.json` and `README.md`.

    Args:
        volumes: the dataset is one of volumes, so that slices were stacked.
    """
    content = [
        {**asdict(one), "synthetic_share_asked": one.share_asked, "synthetic_share_drawn": one.share_drawn}
        for one in arms
    ]
    write_json(folder / RESULT, {"volumes": volumes, "arms": content})
    write_text(folder / GUIDE, "\n".join(_guide(arms, volumes=volumes)) + "\n")


def _guide(arms: Sequence[ExportedArm], *, volumes: bool) -> list[str]:
    mixed = [one for one in arms if one.synthetic_cases]
    lines = [
        "# Arms of a trial for nnU-Net",
        "",
        "| Dataset | Arm | Real cases (slices) | Synthetic cases (slices) | Synthetic share asked | drawn |",
        "|---|---|---|---|---|---|",
        *(
            f"| {one.folder} | {one.arm} | {one.real_cases} ({one.real_slices}) | {one.synthetic_cases} ({one.synthetic_slices})"
            f" | {one.share_asked:.1%} | {one.share_drawn:.1%} |"
            for one in arms
        ),
        "",
        "Each dataset has one fold, in `splits_final.json`, that validates on real cases alone. `imagesTs` holds the test cases.",
        "",
    ]
    if volumes and mixed:
        lines += [
            "nnU-Net draws every training case alike, and from it a slice. Synthetic slices are therefore stacked into volumes of"
            " as many slices as the real training volumes have on average, so that the share drawn is the share asked for, but for"
            " rounding to whole volumes. No pair is left out; `export.json` tells which pairs lie in which volume.",
            "",
            "Slices of a stack have nothing to do with one another: train the configuration `2d` only. Intensities are"
            " normalised over the whole stack, as over a real volume. nnU-Net takes a third of its patches around a labelled voxel,"
            " in every arm.",
            "",
        ]
    if not mixed:
        return lines
    lines += [
        "## Plans",
        "",
        "nnU-Net plans patch size, batch size, resampling and normalisation by the cases of a dataset. Synthetic cases move them:"
        " all have one size and one spacing, and there are more cases. Planned apart, the arms would differ in more than their"
        " pairs. Plan on real cases alone, and give every arm these plans.",
        "",
    ]
    if all(one.synthetic_cases for one in arms):
        return [
            *lines,
            "None of these arms has real cases alone: export `100R` as well, and use its plans as its README.md tells.",
        ]
    lines.append("```")
    for fold in dict.fromkeys(one.fold for one in arms):
        lines += _commands([one for one in arms if one.fold == fold])
    return [
        *lines,
        "```",
        "",
        "The first command plans, the next ones carry the plans over: everything in them, normalisation included. Predict with the"
        f" same `-p {PLANS}` and `-f 0`."
        + (" So for every fold of the trial by itself." if arms[0].fold is not None else ""),
    ]


def _commands(arms: Sequence[ExportedArm]) -> list[str]:
    """To plan, preprocess and train the arms of one fold, of which one has real cases alone."""
    real, mixed = next(one for one in arms if not one.synthetic_cases), [one for one in arms if one.synthetic_cases]
    number, configuration = real.number, "2d"
    lines = [f"nnUNetv2_plan_and_preprocess -d {number} -c {configuration} --verify_dataset_integrity"]
    for one in mixed:
        lines += [
            f"nnUNetv2_extract_fingerprint -d {one.number} --verify_dataset_integrity",
            f"nnUNetv2_move_plans_between_datasets -s {number} -t {one.number} -sp nnUNetPlans -tp {PLANS}",
            f"cp $nnUNet_raw/{one.folder}/dataset.json $nnUNet_preprocessed/{one.folder}/",
            f"nnUNetv2_preprocess -d {one.number} -plans_name {PLANS} -c {configuration}",
        ]
    lines += [f"cp $nnUNet_raw/{one.folder}/splits_final.json $nnUNet_preprocessed/{one.folder}/" for one in arms]
    lines += [f"nnUNetv2_train {number} {configuration} 0"]
    return [*lines, *(f"nnUNetv2_train {one.number} {configuration} 0 -p {PLANS}" for one in mixed)]
