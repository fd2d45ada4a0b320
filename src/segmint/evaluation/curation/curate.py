"""`segmint curate`: the pairs of a synthetic dataset that are worth keeping, as a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from segmint.data.case import Provenance
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.excerpt import write_excerpt
from segmint.data.pool import PairPool, PoolPart
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.alignment_audit import Learner
from segmint.evaluation.curation.judgement import Judgement, judge
from segmint.evaluation.curation.outcome import describe
from segmint.evaluation.curation.shown import counted, curation_table, draw_pictures
from segmint.evaluation.evaluate import SEGMENTER
from segmint.evaluation.evidence import Evidence, open_evidence
from segmint.evaluation.seen import same_dataset
from segmint.evaluation.synthetic_sets import generator_runs
from segmint.outputs import check_target, staged_folder, write_json
from segmint.synthesis.cards import write_cards
from segmint.training.seen_lists import marks_seen

RESULT = "curation.json"
AGREEMENT = 0.05
# Share kept by certainty where nothing was dropped for it before [Zhang 2021, DatasetGAN].
_KEEP = 0.9


class NothingKept(UserError):
    """No pair is worth keeping."""


def curate(
    real: Path,
    synthetic: Path,
    *,
    out: Path,
    agreement: float = AGREEMENT,
    copies: bool = True,
    keep: float | None = None,
    size: int | None = None,
    axis: int | None = None,
    steps: int | None = None,
    batch: int | None = None,
    split: Split | None = None,
    overwrite: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> Path:
    """Write the pairs of `synthetic` that are worth keeping to `out`, as a synthetic dataset, with `curation.json`, pictures and,
    while the run it was drawn from is in its place, a datasheet.

    A pair is dropped for any of three reasons:

    - its mask does not fit its image: a segmenter that learned from the real subjects whose labels the generator has seen agrees
      with the mask, in some label, less than with all but a share `agreement` of real slices of the validation subjects
      that show about as much of the label. Nobody is ranked: pairs that agree more than that are kept alike.
    - its image is nearer to a training image than new real images are (see `segmint.evaluate`).
    - its label map is among the least certain, where the generator told how certain it is.

    The kept dataset says that the subjects of the yardstick chose it: an arm of a trial that tests on one of them refuses it.
    The test subjects of the split are not looked at.

    Args:
        real: the dataset the generator learned from.
        synthetic: a dataset that `sample` wrote.
        out: folder to write, which must not exist.
        agreement: share of held-out real slices with a label that may agree less than pairs must, 0 to 0.5; 0: agreement is
            not looked at, and no segmenter trained.
        copies: drop near-copies of training images.
        keep: in (0, 1]: share of the pairs kept by certainty; default: 0.9 where pairs tell their uncertainty and none were
            dropped for it when they were drawn, else 1.
        size, axis, steps, batch, device: as in `segmint.evaluate`.
        split: takes the place of the dataset's own.
        overwrite: replace what is at `out`.
        progress: print the table.

    Returns:
        `out`.

    Raises:
        UserError: a dataset cannot be read; `synthetic` is not synthetic, does not come from `real`, or has seen a test
            subject; there are no validation subjects to learn the yardstick from; a number is out of range; no pair would be
            kept; or `out` exists.
        KeyboardInterrupt: stopped by Ctrl-C; the next call goes on with the segmenter.
    """
    real, synthetic, out = Path(real), Path(synthetic), Path(out)
    _check_numbers(agreement=agreement, keep=keep, steps=steps, batch=batch)
    check_target(out, overwrite=overwrite, inputs=[real, synthetic])
    truth, drawn = open_dataset(real), open_dataset(synthetic)
    provenance = _provenance_of(truth, drawn)
    split = split or _split_of(truth, synthetic)
    _refuse_leaks(truth, drawn, provenance, split)
    keep = _share_to_keep(truth, drawn, provenance, keep)
    if not agreement and not copies and keep == 1:
        raise UserError("Nothing to judge pairs by: --agreement 0, --no-copies and --keep 1 leave all of them.")
    evidence = open_evidence(real, synthetic, holdout=None, size=size, axis=axis, device=device, held=split.validation)
    learner = Learner(SEGMENTER, steps, batch, device, progress) if agreement else None
    _check_evidence(evidence, split, judged=learner is not None)
    segmenter = learner.segmenter(evidence) if learner is not None else None
    judgement = judge(evidence, segmenter=segmenter, share=agreement, copies=copies, keep=keep)
    counts = judgement.counts
    if not counts["kept"]:
        raise NothingKept(f"{synthetic}: no pair would be left ({counted(counts)}): look at it with segmint evaluate.")
    rules = {"agreement": agreement, "copies": copies, "keep": keep}
    described = learner.described(evidence) if learner is not None else None
    content = describe(judgement, evidence, rules=rules, segmenter=described)
    with staged_folder(out, overwrite=overwrite) as staging:
        write_excerpt(
            drawn,
            (case for case, kept in zip(judgement.cases, judgement.kept, strict=True) if kept),
            staging,
            name=f"{drawn.name}, curated",
            provenance=_curated(provenance, drawn, evidence, judgement),
        )
        content["pictures"] = draw_pictures(judgement, evidence, segmenter, staging)
        write_json(staging / RESULT, content)
        run = Path(provenance.run)
        if (run / "config.json").is_file():
            write_cards(staging, run, curation=content, at=out)
    if progress:
        Console().print(curation_table(content))
    return out


def _check_numbers(*, agreement: float, keep: float | None, steps: int | None, batch: int | None) -> None:
    if not 0 <= agreement <= 0.5:
        raise UserError(f"--agreement {agreement:g} must be at least 0 and at most 0.5.")
    if keep is not None and not 0 < keep <= 1:
        raise UserError(f"--keep {keep:g} must be above 0 and at most 1.")
    for flag, value in (("steps", steps), ("batch", batch)):
        if value is not None and value < 1:
            raise UserError(f"--{flag} {value}: at least 1 is needed.")


def _provenance_of(real: Dataset, drawn: Dataset) -> Provenance:
    """What the synthetic dataset has seen, which must be of the real one."""
    if drawn.provenance is None:
        raise UserError(
            f"{drawn.root} is not a synthetic dataset (its segmint.json has no provenance): give one that segmint sample wrote."
        )
    seen = _seen(drawn.provenance)
    if not any(same_dataset(identity, real.identity) for identity, _ in seen):
        others = ", ".join(sorted({identity for identity, _ in seen})) or "nothing"
        raise UserError(
            f"{drawn.root} does not come from {real.root}: its generator has seen {others}; give the dataset it was trained on."
        )
    if drawn.channel_names != real.channel_names:
        raise UserError(
            f"{real.root} and {drawn.root} differ in their channels ({', '.join(real.channel_names)} against"
            f" {', '.join(drawn.channel_names)}): they must be equal."
        )
    return drawn.provenance


def _seen(provenance: Provenance) -> list[tuple[str, str]]:
    return [*provenance.labels_seen, *provenance.images_seen, *provenance.selected_on]


def _split_of(real: Dataset, synthetic: Path) -> Split:
    """The dataset's own, or that of the generator's run."""
    if real.split is not None:
        return real.split
    for run in generator_runs([synthetic]):
        if run["dataset"]["identity"] == real.identity:
            return Split(**{part: tuple(subjects) for part, subjects in run["split"].items()})
    raise UserError(f"{real.root} has no split, and the run of {synthetic} is gone: make one with segmint data split.")


def _refuse_leaks(real: Dataset, drawn: Dataset, provenance: Provenance, split: Split) -> None:
    tested = set(split.test)
    for identity, subject in _seen(provenance):
        if subject in tested and same_dataset(identity, real.identity):
            raise UserError(
                f'{drawn.root} has seen the test subject "{subject}" of {real.root}, so no trial would take it: train a generator'
                " on the split of this dataset."
            )


def _share_to_keep(real: Dataset, drawn: Dataset, provenance: Provenance, keep: float | None) -> float:
    # A dataset for nnU-Net may hold real cases beside the pairs.
    known = set(real.subjects)
    pairs = [case for case in drawn.cases if case.subject not in known]
    tells = bool(pairs) and all(case.uncertainty is not None for case in pairs)
    if keep is None:
        return _KEEP if tells and provenance.keep == 1 else 1.0
    if keep < 1 and not tells:
        raise UserError(f"--keep {keep:g}: {drawn.root} does not tell how certain its pairs are: leave it out.")
    return keep


def _check_evidence(evidence: Evidence, split: Split, *, judged: bool) -> None:
    """What pairs are held against must not be tested; where a segmenter judges them, it must be judged itself on others."""
    real = evidence.training.slices.dataset
    tested = sorted(set(evidence.training.subjects) & set(split.test))
    if tested:
        raise UserError(
            f'{real.root}: pairs would be held against the test subject "{tested[0]}": give it the split that the generator was'
            " trained on."
        )
    if judged and evidence.holdout is None:
        raise UserError(
            f"{real.root} has no validation subjects with masks that the generator has not learned from, to tell how well a"
            " segmenter can agree: make a split with some, or give --agreement 0."
        )


def _curated(provenance: Provenance, drawn: Dataset, evidence: Evidence, judgement: Judgement) -> Provenance:
    """That of the drawn pairs, and what the choice has seen."""
    real, copies = evidence.training.slices.dataset.identity, judgement.copies
    learned = evidence.training.subjects if judgement.agreed is not None else []
    yardsticks = [judgement.agreed.held.chosen] if judgement.agreed is not None else []
    if copies is not None and copies.yardstick == "held-out" and evidence.unseen is not None:
        yardsticks.append(evidence.unseen)
    chosen_by = [subject for one in yardsticks for subject in one.subjects]
    pools = [PairPool([PoolPart(one.slices, one.indices)]) for one in (evidence.training, *yardsticks)]
    marks = marks_seen(evidence.training.slices.dataset, *pools)
    return replace(
        provenance,
        labels_seen=_with(provenance.labels_seen, real, learned),
        images_seen=_with(provenance.images_seen, real, learned),
        selected_on=_with(provenance.selected_on, real, chosen_by),
        marks_seen=tuple(dict.fromkeys([*provenance.marks_seen, *((one, who, which) for one, who, which in marks)])),
        stands_on=(*provenance.stands_on, f"{drawn.root.resolve()} {drawn.identity}"),
    )


def _with(seen: Sequence[tuple[str, str]], identity: str, subjects: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys([*seen, *((identity, subject) for subject in sorted(set(subjects)))]))
