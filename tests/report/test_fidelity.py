"""The section on images, from evaluation.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segmint.evaluation.fidelity_measures import METRICS
from segmint.outputs import write_json
from segmint.report.build import build_report

HOSTILE = "<script>alert(1)</script>"


def row(
    group: str, of: str, metric: str, values: tuple[float | None, float], p_value: float, inside: str | None = None
) -> Any:
    synthetic, real = (
        {"value": one, "interval": [one - 0.01, one + 0.01] if one is not None else [None, None]} for one in values
    )
    difference = {"value": None, "interval": [None, None]}
    return {
        "group": group,
        "of": of,
        "inside": inside,
        "metric": metric,
        "synthetic": synthetic,
        "real": real,
        "difference": difference,
        "p_value": p_value,
    }


def write_evaluation(folder: Path, *, finding: bool = False, few: bool = False, name: str = "T1") -> Path:
    folder.mkdir(parents=True)
    counted = {"slices": 90, "shown": 60, "subjects": 12}
    measures = [
        row("features", "radiomics", "precision", (0.61, 0.92), 1e-6),
        row("features", "random network", "precision", (0.83, 0.82), 0.7),
        row("intensity", name, "intensity_distance", (0.043, 0.012), 0.2),
        row("intensity", name, "intensity_distance", (None, 0.012), 0.2, inside="organ"),
        row("spectrum", name, "high_frequency_excess", (-3.5, 0.1), 0.3),
    ]
    sides = {side: [0.5, 0.2, 0.1] for side in ("training", "real", "synthetic")}
    shares = {side: [0.7, 0.1, 0.1, 0.1] for side in sides}
    one = {"code": "blurred", "message": "Fakes are smooth.", "advice": "Train longer."}
    section = {
        "images": 60,
        "training": counted,
        "real": counted | {"kind": "held-out subjects"},
        "synthetic": counted,
        "features": {},
        "metrics": {metric: {"direction": one.direction, "range": [0, 1]} for metric, one in METRICS.items()},
        "measures": [] if few else measures,
        "spectra": {} if few else {"cycles_a_pixel": [0.1, 0.3, 0.5], "power": {name: sides}},
        "histograms": {} if few else {name: {"image": shares, "organ": {side: [0.0] * 4 for side in sides}}},
        "findings": [one] if finding else [],
        "sentences": [] if few else ["60 images were compared.", name],
        "notes": ["Images were not compared."] if few else ["A floor."],
    }
    content = {"format": 1, "real": {"name": "phantom", "identity": "phantom-0"}, "notes": [], "fidelity": section}
    write_json(folder / "evaluation.json", content)
    return folder


def page_of(folder: Path) -> str:
    return build_report(folder).read_text(encoding="utf-8")


def section_of(folder: Path) -> str:
    page = page_of(folder)
    return page[page.index('<section id="fidelity">') : page.index('<section id="alignment">')]


def test_measures_stand_beside_those_of_real_images_with_figures(tmp_path: Path) -> None:
    page = section_of(write_evaluation(tmp_path / "evaluation"))
    for said in (
        "60 images were compared.",
        "A floor.",
        "Nothing is wrong with the images",
        "held-out real images (the yardstick)",
        "intensities inside organ",
        "4.3%<small>3.3 to 5.3</small>",
        "−3.5 dB",
        "<td>higher</td>",
    ):
        assert said in page, said
    # What chance hardly explains, on the synthetic side only; nothing is made of a number that is missing.
    assert page.count("<b>0.61") == 1
    assert "<b>0.92" not in page
    assert "<b>0.83" not in page
    assert "–" in page
    assert page.count("<svg") >= 2


def test_findings_are_warnings(tmp_path: Path) -> None:
    page = section_of(write_evaluation(tmp_path / "evaluation", finding=True))
    assert '<div class="warning"><h4>blurred</h4><p>Fakes are smooth.</p><p>Train longer.</p></div>' in page
    assert "Nothing is wrong with the images" not in page


def test_too_few_images_leave_the_note_and_no_praise(tmp_path: Path) -> None:
    page = section_of(write_evaluation(tmp_path / "evaluation", few=True))
    assert "Images were not compared." in page
    assert "Nothing is wrong" not in page
    assert "<svg" not in page


def test_what_was_not_measured_is_said_and_strings_are_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_json(folder / "steps.json", {"verb": "run", "demonstration": False, "steps": []})
    assert "How real and how varied the images are was not measured" in page_of(folder)
    assert "<script" not in page_of(write_evaluation(tmp_path / "evaluation", name=HOSTILE))
