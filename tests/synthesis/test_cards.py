from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from segmint.data.dataset import open_dataset
from segmint.synthesis.cards import MODEL_CARD, write_cards
from segmint.synthesis.known import DATASHEET, refresh_known
from segmint.synthesis.sample import sample

EVALUATION = {
    "masks": {
        "sentences": ["Four drawn masks."],
        "findings": [{"code": "repeated masks", "message": "Two are one."}],
        "notes": [],
    },
    "privacy": {"sentences": ["No copies."], "findings": [], "notes": ["No guarantee."]},
}
TRIAL = {"verdict": {"kind": "helps", "sentence": "Synthetic pairs help."}}


def test_a_sampled_set_says_what_it_is(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=4, seed=2, out=tmp_path / "drawn", truncation=0.8, device="cpu")
    sheet, card = ((out / name).read_text() for name in (DATASHEET, MODEL_CARD))
    assert sheet.startswith("# Datasheet: ")
    assert "- 4 synthetic pairs of an image" in sheet
    assert "seed 2, truncation 0.8" in sheet
    assert "labels background, rim, core" in sheet
    assert "labels of 4 subjects, images of 4; 2 more were looked at" in sheet
    assert "CC0-1.0" in sheet
    assert "Not audited yet: segmint evaluate discs drawn --out evaluation." in sheet
    assert "real cases" not in sheet
    assert "joint-stylegan2" in card
    assert "sliced wasserstein to validation subjects" in card
    # Names of subjects stand in segmint.json, which the cards point to, and nowhere else.
    assert "subject_0" not in sheet + card


def test_what_was_found_later_is_put_in(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=4, out=tmp_path / "drawn", device="cpu")
    identity = open_dataset(out).identity
    write_cards(out, discs_run, evaluation=EVALUATION, trial=TRIAL, curation={"counts": {"pairs": 9, "kept": 4}})
    sheet = (out / DATASHEET).read_text()
    assert "- Curated: 4 of 9 pairs drawn were kept" in sheet
    said = [
        "### Masks\n",
        "- Four drawn masks.",
        "- Warning, repeated masks: Two are one.",
        "\n### Privacy\n",
        "- No copies.",
        "- Note: No guarantee.",
        "\n### Trial\n",
        "- Synthetic pairs help.",
        "\n## Licence\n",
    ]
    assert "\n".join(said) in sheet
    assert "Not audited" not in sheet
    assert "None was taken from a patient; whether any repeats one is said below." in sheet
    assert open_dataset(out).identity == identity


def test_another_evaluation_replaces_what_it_measured_and_nothing_else(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=4, out=tmp_path / "drawn", device="cpu")
    fresh = (out / DATASHEET).read_text()
    told = refresh_known(open_dataset(out), EVALUATION, real=Path("discs"))
    assert told == f"{out / DATASHEET} tells of this audit."
    sheet = (out / DATASHEET).read_text()
    assert "Not audited" not in sheet
    assert "- Not tried yet: segmint trial discs drawn --out trial." in sheet
    write_cards(out, discs_run, evaluation=EVALUATION, trial=TRIAL)
    masks = {"sentences": ["Five drawn masks."], "findings": [], "notes": []}
    refresh_known(open_dataset(out), {"masks": masks}, real=Path("discs"))
    sheet = (out / DATASHEET).read_text()
    assert "### Masks\n\n- Five drawn masks.\n\n### Privacy\n\n- No copies." in sheet
    assert "### Trial\n\n- Synthetic pairs help.\n\n## Licence" in sheet
    before, after = (text.split("## What is known of it")[0] for text in (fresh, sheet))
    assert before == after


def audit(name: str, *warnings: str) -> dict[str, object]:
    findings = [{"code": "found", "message": warning} for warning in warnings]
    return {name: {"sentences": [f"Of {name}."], "findings": findings, "notes": []}}


def test_a_warning_beside_an_edited_sheet_outlives_an_evaluation_without_that_audit(
    discs_run: Path, tmp_path: Path
) -> None:
    out = sample(discs_run, n=4, out=tmp_path / "drawn", device="cpu")
    refresh_known(open_dataset(out), audit("privacy", "3 copies."), real=Path("discs"))
    (out / DATASHEET).write_text(
        (out / DATASHEET).read_text().replace("## What is known", "Ask Ann.\n\n## What is known")
    )
    beside = out / "DATASHEET.segmint.md"
    refresh_known(open_dataset(out), audit("masks"), real=Path("discs"))
    assert "- Warning, found: 3 copies." in beside.read_text()
    refresh_known(open_dataset(out), audit("privacy", "12 copies."), real=Path("discs"))
    # An edit that is newer than the audit does not bring back what that has replaced.
    (out / DATASHEET).write_text((out / DATASHEET).read_text().replace("Ask Ann.", "Ask Bob."))
    refresh_known(open_dataset(out), audit("fidelity"), real=Path("discs"))
    sheet = beside.read_text()
    assert all(
        words in sheet for words in ("- Of masks.", "- Of fidelity.", "- Warning, found: 12 copies.", "Ask Bob.")
    )
    assert "3 copies" not in sheet
    # The same where the second sheet was edited as well, and where the first is gone.
    beside.write_text(f"{sheet}Mine.\n")
    refresh_known(open_dataset(out), audit("masks"), real=Path("discs"))
    assert "12 copies" in (out / "DATASHEET.segmint-2.md").read_text()
    (out / DATASHEET).unlink()
    refresh_known(open_dataset(out), audit("masks"), real=Path("discs"))
    assert "12 copies" in (out / DATASHEET).read_text()


def test_what_an_earlier_version_said_is_carried_along_until_all_is_audited_anew(
    tmp_path: Path, discs_run: Path
) -> None:
    out = sample(discs_run, n=4, out=tmp_path / "drawn", device="cpu")
    old = "- Not tried yet: segmint trial.\n- Old.\n- Warning, copies: 12 are.\n"
    (out / DATASHEET).write_text(f"# Datasheet: discs\n\n## What is known of it\n\n{old}\n## Licence\n\n- CC0\n")
    for name in ("masks", "fidelity"):
        refresh_known(open_dataset(out), audit(name), real=Path("discs"))
        sheet = (out / "DATASHEET.segmint.md").read_text()
        assert "### Said by earlier versions or by hand\n\n- Old.\n- Warning, copies: 12 are.\n\n## Licence" in sheet
        assert sheet.count("12 are") == sheet.count("Not tried yet") == 1
    refresh_known(open_dataset(out), audit("privacy") | audit("alignment"), real=Path("discs"))
    assert "12 are" not in (out / "DATASHEET.segmint.md").read_text()


def test_of_a_sheet_of_an_earlier_version_the_trial_is_kept(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=4, out=tmp_path / "drawn", device="cpu")
    (out / DATASHEET).write_text(
        "# Datasheet: discs\n\n## What is known of it\n\n- Old.\n- Trial: Pairs help.\n\n## Licence\n\n- CC0\n"
    )
    refresh_known(open_dataset(out), EVALUATION, real=Path("discs"))
    sheet = (out / "DATASHEET.segmint.md").read_text()
    assert "- Four drawn masks." in sheet
    assert (
        "### Trial\n\n- Pairs help.\n\n### Said by earlier versions or by hand\n\n- Old.\n\n## Licence\n\n- CC0\n"
        in sheet
    )
    assert "Old." in (out / DATASHEET).read_text()


def test_what_a_person_wrote_is_never_overwritten(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=4, out=tmp_path / "drawn", device="cpu")
    for name in (DATASHEET, MODEL_CARD):
        (out / name).write_text((out / name).read_text().replace("## Licence", "Ask Ann.\n\n## Licence") + "By Ann.\n")
    edited = [(out / name).read_text() for name in (DATASHEET, MODEL_CARD)]
    told = refresh_known(open_dataset(out), EVALUATION, real=Path("discs"))
    assert "was edited by hand, or is of an earlier version, and stays as it is" in told
    assert "DATASHEET.segmint.md" in told
    beside = out / "DATASHEET.segmint.md"
    assert "- Four drawn masks." in beside.read_text()
    write_cards(out, discs_run, evaluation=EVALUATION, trial=TRIAL)
    assert "Synthetic pairs help." in beside.read_text()
    beside.write_text("Mine too.")
    assert "DATASHEET.segmint-2.md" in refresh_known(open_dataset(out), EVALUATION, real=Path("discs"))
    assert beside.read_text() == "Mine too."
    assert [(out / name).read_text() for name in (DATASHEET, MODEL_CARD)] == edited
    assert (out / "MODEL_CARD.segmint.md").is_file()


def test_a_set_without_a_datasheet_and_one_that_cannot_be_written(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=4, out=tmp_path / "drawn", device="cpu")
    (out / DATASHEET).unlink()
    refresh_known(open_dataset(out), EVALUATION, real=Path("discs"))
    assert (out / DATASHEET).read_text().startswith("# Datasheet: ")
    assert "- Four drawn masks." in (out / DATASHEET).read_text()
    sheet = (out / DATASHEET).read_text()
    out.chmod(0o500)
    try:
        if os.access(out, os.W_OK):
            pytest.skip("this user may write everywhere")
        told = refresh_known(open_dataset(out), EVALUATION, real=Path("discs"))
    finally:
        out.chmod(0o700)
    assert told == f"The datasheet of {out} does not tell of this audit: it cannot be written there."
    assert (out / DATASHEET).read_text() == sheet


def test_real_cases_beside_synthetic_ones_are_told(discs_run: Path, tmp_path: Path) -> None:
    out = sample(discs_run, n=3, out=tmp_path / "mixed", with_real=True, device="cpu")
    sheet = (out / DATASHEET).read_text()
    assert "- 3 synthetic pairs" in sheet
    assert "which are images of patients" in sheet


def test_real_cases_that_the_generator_has_not_seen_are_not_counted_as_synthetic(
    discs_run: Path, tmp_path: Path
) -> None:
    out = sample(discs_run, n=3, out=tmp_path / "mixed", with_real=True, device="cpu")
    sidecar = json.loads((out / "segmint.json").read_text())
    for seen in ("labels_seen", "images_seen"):  # as of a run on a subset of the training subjects
        sidecar["provenance"][seen] = sidecar["provenance"][seen][:1]
    (out / "segmint.json").write_text(json.dumps(sidecar))
    write_cards(out, discs_run)
    assert "- 3 synthetic pairs" in (out / DATASHEET).read_text()
