"""Every synthetic pair judged: by agreement, as a possible copy, by its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segmint.data.case import Case
from segmint.errors import UserError
from segmint.evaluation.alignment import Agreement, measure_agreement
from segmint.evaluation.curation.copied import CopyFindings, find_copies
from segmint.evaluation.curation.yardstick import Yardstick, set_yardstick
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.scoring import Predicts
from segmint.synthesis.certain import most_certain

DISAGREEMENT, NEAR_COPY, UNCERTAIN = "disagreement", "near-copy", "uncertain"
MOST_REAL = 4000
"""Held-out real slices that set the yardstick, at most."""


@dataclass(frozen=True)
class Agreed:
    """What the segmenter made of the pairs.

    Attributes:
        synthetic, held: on every synthetic slice and on held-out real ones.
        yardsticks: of each label but the background; None where too few real slices have it.
        fails: bool [n, K - 1].
    """

    synthetic: Agreement
    held: Agreement
    yardsticks: tuple[Yardstick | None, ...]
    fails: NDArray[np.bool_]

    @property
    def held_fail(self) -> float:
        """Share of the held-out real slices that would be dropped for disagreement."""
        return float(_failing(self.yardsticks, self.held.counts).any(axis=1).mean())


@dataclass(frozen=True)
class Judgement:
    """What is known of each of n pairs, in the order of `cases`; None for what was not looked at.

    Attributes:
        uncertainty: [n], as their generator told; uncertain: those dropped for it.
    """

    cases: tuple[Case, ...]
    agreed: Agreed | None
    copies: CopyFindings | None
    uncertainty: NDArray[np.float64] | None
    uncertain: NDArray[np.bool_] | None

    @cached_property
    def reasons(self) -> dict[str, NDArray[np.bool_]]:
        """By reason, which pairs are dropped for it: bool [n]."""
        found: dict[str, NDArray[np.bool_]] = {}
        if self.agreed is not None:
            found[DISAGREEMENT] = np.asarray(self.agreed.fails.any(axis=1))
        if self.copies is not None:
            found[NEAR_COPY] = self.copies.copied
        if self.uncertain is not None:
            found[UNCERTAIN] = self.uncertain
        return found

    def reasons_of(self, i: int, labels: Sequence[str]) -> list[str]:
        """Why pair `i` is dropped, with the `labels` (background left out) that it disagrees in; empty where it is kept."""
        named = []
        for reason, which in self.reasons.items():
            if which[i] and reason == DISAGREEMENT and self.agreed is not None:
                named += [
                    f"{reason}: {name}" for name, fails in zip(labels, self.agreed.fails[i], strict=True) if fails
                ]
            elif which[i]:
                named.append(reason)
        return named

    @property
    def counts(self) -> dict[str, int]:
        """`pairs`, `kept`, `dropped`, and by reason; a pair may be dropped for several."""
        pairs, kept = len(self.cases), int(self.kept.sum())
        by_reason = {reason: int(which.sum()) for reason, which in self.reasons.items()}
        return {"pairs": pairs, "kept": kept, "dropped": pairs - kept, **by_reason}

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """[n] whether each pair is kept: none of the reasons holds."""
        dropped = np.zeros(len(self.cases), dtype=np.bool_)
        for which in self.reasons.values():
            dropped |= which
        return ~dropped


def judge(evidence: Evidence, *, segmenter: Predicts | None, share: float, copies: bool, keep: float) -> Judgement:
    """Judge every synthetic pair.

    Args:
        segmenter: one that has learned from `evidence.training` alone; None: agreement is not looked at.
        share: of the held-out real slices with a label that may agree less than is asked.
        copies: seek near-copies; keep: share of the pairs to keep by certainty, 1 for all.

    Raises:
        UserError: the synthetic dataset holds volumes.
    """
    made = evidence.synthetic.slices
    if made.axis is not None:
        raise UserError(
            f"{made.dataset.root} holds volumes: curation judges pairs of slices, as segmint sample writes them."
        )
    by_id = {case.id: case for case in made.dataset.cases}
    cases = tuple(by_id[made.records[i].case] for i in evidence.synthetic.indices)
    uncertainty, uncertain = _by_certainty(cases, keep)
    return Judgement(
        cases=cases,
        agreed=None if segmenter is None else judge_agreement(evidence, segmenter, share=share),
        copies=find_copies(evidence) if copies else None,
        uncertainty=uncertainty,
        uncertain=uncertain,
    )


def judge_agreement(evidence: Evidence, segmenter: Predicts, *, share: float) -> Agreed:
    """Which pairs a segmenter agrees with less than with all but a share of the held-out real slices, label by label."""
    assert evidence.holdout is not None
    held = measure_agreement(segmenter, evidence.holdout, most=MOST_REAL)
    synthetic = measure_agreement(segmenter, evidence.synthetic, most=len(evidence.synthetic.indices))
    units = held.chosen.units
    yardsticks = tuple(
        set_yardstick(held.counts[:, label], units, share=share) for label in range(1, held.counts.shape[1])
    )
    return Agreed(synthetic, held, yardsticks, _failing(yardsticks, synthetic.counts))


def _failing(yardsticks: tuple[Yardstick | None, ...], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """[n, K - 1] of overlap counts [n, K, 3]."""
    nothing = np.zeros(len(counts), dtype=np.bool_)
    columns = [
        nothing if yardstick is None else yardstick.fails(counts[:, label])
        for label, yardstick in enumerate(yardsticks, start=1)
    ]
    return np.stack(columns, axis=1)


def _by_certainty(cases: tuple[Case, ...], keep: float) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_] | None]:
    if any(case.uncertainty is None for case in cases):
        return None, None
    uncertainty = np.array([case.uncertainty for case in cases], dtype=np.float64)
    uncertain = np.ones(len(cases), dtype=np.bool_)
    uncertain[most_certain(uncertainty.astype(np.float32), max(1, round(keep * len(cases))))] = False
    return uncertainty, uncertain
