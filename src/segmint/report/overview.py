"""Below the verdict: benefit, leakage, fidelity and alignment in one line each, with a link to the section that tells more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segmint.evaluation import fidelity_findings, mask_findings
from segmint.evaluation.alignment_findings import OFF
from segmint.report.arms import signed_points
from segmint.report.material import Material

_SYMBOLS = {"good": "✓", "wrong": "▲", "open": "○", "absent": "–"}
_NOT_MEASURED, _NOT_TESTED = "Not measured", "Could not be tested"
_VERDICTS = {
    "helps": ("good", "Good"),
    "harms": ("wrong", "Wrong"),
    "equivalent": ("open", "No gain"),
    "none added": ("open", "No gain"),
    "inconclusive": ("open", "Undecided"),
}


@dataclass(frozen=True)
class Line:
    """One question and what came out.

    Attributes:
        name: the question; anchor: id of its section.
        kind: "good", "wrong", "open" (could not be tested, or undecided) or "absent" (not measured); it chooses the colour.
        state: the same in words; said: what it rests on.
    """

    name: str
    anchor: str
    kind: str
    state: str
    said: str

    @property
    def symbol(self) -> str:
        """For those who do not see colours."""
        return _SYMBOLS[self.kind]


def make_overview(material: Material) -> tuple[Line, ...]:
    """Four lines; none where the folder holds neither an evaluation nor a trial."""
    evaluation = material.evaluation or {}
    if not evaluation and material.trial is None:
        return ()
    return (
        _benefit(material.trial),
        _leakage(evaluation.get("privacy")),
        _fidelity(evaluation.get("fidelity"), evaluation.get("masks")),
        _alignment(evaluation.get("alignment")),
    )


def _benefit(trial: Mapping[str, Any] | None) -> Line:
    verdict = (trial or {}).get("verdict")
    if trial is None or not isinstance(verdict, Mapping):
        return Line("Benefit", "trial", "absent", _NOT_MEASURED, "segmint trial tells whether the pairs help.")
    kind, state = _VERDICTS.get(str(verdict.get("kind", "")), ("open", _NOT_TESTED))
    primary = trial.get("primary") or {}
    if primary.get("difference") is None:
        return Line("Benefit", "trial", kind, state, "The verdict stands above.")
    low, high = primary.get("interval") or (None, None)
    interval = (
        f" (95% interval {signed_points(low)} to {signed_points(high)})" if low is not None and high is not None else ""
    )
    return Line(
        "Benefit",
        "trial",
        kind,
        state,
        f"{signed_points(primary['difference'])} points of Dice by adding pairs{interval}.",
    )


def _leakage(privacy: Mapping[str, Any] | None) -> Line:
    if privacy is None:
        return Line("Leakage", "privacy", "absent", _NOT_MEASURED, "segmint evaluate looks for copies of real images.")
    if privacy["findings"]:
        return Line("Leakage", "privacy", "wrong", "Wrong", _listed(privacy["findings"]))
    if privacy["pixels"]["threshold"] is None:
        return Line(
            "Leakage",
            "privacy",
            "open",
            _NOT_TESTED,
            # Earlier versions did not look for such images.
            ("None is a training image but for noise. " if privacy.get("identical") == 0 else "")
            + "There are too few held-out images to tell how near is too near.",
        )
    at_most = max(0.0, privacy["pixels"]["excess"]["interval"][1])
    member = privacy["membership"]
    tested = (
        "membership was not tested"
        if member is None
        else "the test of membership is too weak to tell"
        if member.get("underpowered")
        else "membership is not shown"
    )
    return Line(
        "Leakage",
        "privacy",
        "good",
        "Nothing found",
        f"At most {100 * at_most:.1f}% more copies that this search recognises than by chance (95% confidence); {tested}."
        " No guarantee.",
    )


def _fidelity(images: Mapping[str, Any] | None, masks: Mapping[str, Any] | None) -> Line:
    """Of images and masks together; the link leads to what is wrong."""
    if images is None and masks is None:
        return Line("Fidelity", "fidelity", "absent", _NOT_MEASURED, "segmint evaluate compares images and masks.")
    parts = [
        ("Images", "fidelity", images, fidelity_findings.was_tested),
        ("Masks", "masks", masks, mask_findings.was_tested),
    ]
    said, kinds = [], {}
    for name, anchor, section, was_tested in parts:
        if section is None:
            said.append(f"{name}: not compared.")
        elif section["findings"]:
            said.append(f"{name}: {_listed(section['findings'], first_large=False)}")
            kinds[anchor] = "wrong"
        else:
            tested = was_tested(section)
            said.append(f"{name}: {'nothing found' if tested else 'too few to test'}.")
            kinds[anchor] = "good" if tested else "open"
    kind = next(kind for kind in ("wrong", "open", "good") if kind in kinds.values())
    state = {"wrong": "Wrong", "open": _NOT_TESTED, "good": "Nothing found"}[kind]
    anchor = next(anchor for anchor, one in kinds.items() if one == kind)
    return Line("Fidelity", anchor, kind, state, " ".join(said))


def _alignment(alignment: Mapping[str, Any] | None) -> Line:
    if alignment is None:
        return Line(
            "Alignment",
            "alignment",
            "absent",
            _NOT_MEASURED,
            "segmint evaluate --alignment tells whether masks follow images.",
        )
    if alignment["findings"]:
        return Line("Alignment", "alignment", "wrong", "Wrong", _listed(alignment["findings"]))
    ratio = alignment["mean"]["ratio"]
    low, high = (None, None) if ratio is None else ratio["interval"]
    if ratio is None or ratio["value"] is None or low is None or high is None:
        return Line(
            "Alignment",
            "alignment",
            "open",
            _NOT_TESTED,
            "There are no real images, or too few, to hold it against.",
        )
    kind, state = ("good", "Good") if low >= OFF else ("open", "Undecided")
    return Line(
        "Alignment",
        "alignment",
        kind,
        state,
        f"Masks follow images {100 * ratio['value']:.0f}% as well as real ones do (95% interval {100 * low:.0f}% to"
        f" {100 * high:.0f}%).",
    )


def _listed(findings: list[Mapping[str, Any]], *, first_large: bool = True) -> str:
    """The codes of findings, each once."""
    said = ", ".join(dict.fromkeys(str(one["code"]) for one in findings)) + "."
    return said[:1].upper() + said[1:] if first_large else said
