"""How far does a forecast hang on the steps that its segmenters train? Planted sets of known gain, seen after several lengths.

Usage: python benchmarks/forecast_steps.py --out DIR [--source brain] [--steps 100 300 1200]

The sets of the forecast benchmark that are planted, in its folder if it has been run there; what each gains is in
docs/results. Printed are the forecast and, in brackets, the alignment it comes from.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from forecast_data import SIZE, prepare, sources
from forecast_planted import PLANTED, plant
from forecast_seen import BATCH, STEPS
from segmint.evaluation.alignment import compare_agreement
from segmint.evaluation.alignment_audit import Learner, agreements
from segmint.evaluation.evidence import open_evidence
from segmint.evaluation.forecast import aligned_share, chance_of_gain
from segmint.evaluation.nearness import chance_of_nearer

Told = tuple[float, float]


def main() -> None:
    """Plant, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the forecast benchmark")
    parser.add_argument("--source", default="brain", choices=[one.name for one in sources()])
    parser.add_argument("--steps", type=int, nargs="+", default=[STEPS, 300, 1200])
    parser.add_argument("--kinds", nargs="+", default=list(PLANTED), choices=PLANTED)
    options = parser.parse_args()
    source = next(one for one in sources() if one.name == options.source)
    real, fresh = prepare(source, options.out / source.name)
    rows = {}
    for kind in options.kinds:
        # Named as the forecast benchmark names them.
        folder = options.out / source.name / "sets" / kind.replace(" ", "-")
        if not folder.exists():
            plant(kind, real, fresh, folder)
        rows[kind] = [told(real, folder, steps) for steps in options.steps]
    print(table(source.name, options.steps, rows))


def told(real: Path, synthetic: Path, steps: int) -> Told:
    """The forecast and the alignment of a set, by segmenters of so many steps; those of one length are trained once."""
    evidence = open_evidence(real, synthetic, holdout=None, size=SIZE, axis=None, device="cpu")
    seen, held = agreements(evidence, Learner("unet", steps, BATCH, "cpu", progress=False).cross_fitted(evidence))
    aligned = aligned_share(compare_agreement(seen, held, label_names=evidence.label_names))
    return chance_of_gain(aligned, chance_of_nearer(evidence)), aligned


def table(name: str, steps: Sequence[int], rows: dict[str, list[Told]]) -> str:
    """In Markdown."""
    lines = [f"| {name} | {' | '.join(f'{one} steps' for one in steps)} |", f"|---|{'---|' * len(steps)}"]
    lines += [f"| {kind} | {' | '.join(f'{a:.2f} ({b:.2f})' for a, b in cells)} |" for kind, cells in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
