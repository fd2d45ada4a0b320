"""One HTML file that tells a run, a trial, a curve, or the whole road from dataset to verdict."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.outputs import write_text
from segmint.report import facts
from segmint.report.alignment import alignment_section
from segmint.report.arms import read_arms
from segmint.report.curation import curation_section
from segmint.report.curve import curve_section
from segmint.report.fidelity import fidelity_section
from segmint.report.headline import make_headline
from segmint.report.inspection import inspection_facts
from segmint.report.masks import masks_section
from segmint.report.material import Material, gather
from segmint.report.overview import make_overview
from segmint.report.pictures import embed_picture
from segmint.report.privacy import privacy_section
from segmint.report.sections import pairs_section, training_section, trial_section

_CONTENTS = (
    ("verdict", "Verdict"),
    ("curve", "Label efficiency"),
    ("trial", "Segmentation trial"),
    ("pairs", "Real and generated"),
    ("curation", "Curation"),
    ("masks", "Masks"),
    ("fidelity", "Images"),
    ("alignment", "Alignment"),
    ("privacy", "Privacy"),
    ("training", "Training"),
    ("health", "Health warnings"),
    ("data", "Data"),
    ("settings", "Settings"),
    ("limits", "Provenance and limits"),
    ("made", "How this was made"),
)


def build_report(folder: Path) -> Path:
    """Write `report.html` into a run's, a trial's, a curve's or a workflow's folder and return its path; an older one is replaced.

    The page is one file without outside references: it opens offline, in any browser, and prints. A part that the
    folder does not hold is said to be missing.

    Raises:
        UserError: the folder is absent, holds nothing to report, holds a damaged file or one that segmint would not write, or
            cannot be written.
    """
    material = gather(Path(folder))
    page = render(material)
    target = material.folder / "report.html"
    try:
        write_text(target, page)
    except PermissionError as error:
        raise UserError(f"{target} cannot be written: make its folder writable.") from error
    return target


def render(material: Material) -> str:
    """The page as text; every string that comes from the user's files is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    arms = read_arms(material.trial or {})
    numbers = count(1)
    headline = make_headline(material, arms)
    trial = (
        trial_section(material.trial, arms, numbers, cost=material.trial_cost) if material.trial is not None else None
    )
    environment = Environment(
        loader=PackageLoader("segmint", "report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        page=_page(material),
        headline=headline,
        overview=make_overview(material),
        trial=trial,
        curve=curve_section(material.curve, numbers),
        pairs=pairs_section(material.run) if material.run else None,
        certainty=embed_picture(material.certainty) if material.certainty else None,
        curation=curation_section(material),
        masks=masks_section(material, numbers),
        fidelity=fidelity_section(material, numbers),
        alignment=alignment_section(material),
        privacy=privacy_section(material),
        training=training_section(material.run, numbers) if material.run else None,
        data={
            "rows": facts.data_rows(material),
            "inspection": material.inspection,
            "facts": _inspection_rows(material.inspection) if material.inspection else (),
        },
        settings={
            "rows": facts.settings(material.run) if material.run else (),
            "recipe": facts.recipe_settings(material.run) if material.run else (),
            "environment": facts.environment(material.run) if material.run else (),
            "trial": facts.trial_settings(material.trial) if material.trial else (),
        },
        seen=facts.seen_rows(material),
        limits=facts.limits(material, demonstration=headline.demonstration),
        made=_made(material.steps),
    )


def _page(material: Material) -> Mapping[str, Any]:
    dataset = str(facts.described_dataset(material).get("name") or material.folder.resolve().name)
    config = material.run.config if material.run else {}
    recipe = str(config.get("recipe") or (material.steps or {}).get("recipe") or "")
    if material.curve is not None:
        title = f"How many labels does {dataset} need?"
    elif material.trial_folder is not None:
        title = f"Do synthetic pairs help to segment {dataset}?"
    elif material.run is None and material.evaluation is not None:
        title = f"Masks drawn for {dataset}"
    else:
        title = f"Training {recipe or 'a generator'} on {dataset}"
    synthetic = (material.trial or {}).get("synthetic") or []
    optional = {"curve": material.curve is not None, "curation": material.curation is not None}
    byline = [
        recipe,
        f"{config['size']} pixels" if config.get("size") else "",
        f"{facts.say(config['kimg'])} kimg" if config.get("kimg") else "",
        date.today().isoformat(),
    ]
    return {
        "title": title,
        "byline": " · ".join(part for part in byline if part),
        "version": metadata.version("segmint"),
        "date": date.today().isoformat(),
        "folder": str(material.folder.resolve()),
        "contents": [entry for entry in _CONTENTS if optional.get(entry[0], True)],
        "run_elsewhere": ", ".join(str(entry["run"]) for entry in synthetic if entry.get("run")),
    }


def _inspection_rows(inspection: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Without what the table of the dataset says already."""
    rows = [row for row in inspection_facts(inspection) if row[0] not in ("dataset", "licence")]
    return [(name[:1].upper() + name[1:], value) for name, value in rows]


def _made(steps: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not steps or not steps.get("steps"):
        return None
    return {"why": str(steps.get("why") or ""), "steps": steps["steps"]}
