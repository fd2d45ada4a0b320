"""The road of `segmint run` and `segmint demo`: inspect, train, sample, evaluate, trial, report, each skipped once done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError
from segmint.evaluation.arms import Arm, parse_arms
from segmint.evaluation.curation.curate import RESULT as CURATION
from segmint.evaluation.curation.curate import curate
from segmint.evaluation.evaluate import RESULT, evaluate
from segmint.evaluation.gate import FILTERS, KEPT, GateOrders, candidate_arms
from segmint.evaluation.generator import GeneratorOrders, check_kept, to_draw
from segmint.evaluation.jobs.executor import JobsFailed
from segmint.evaluation.jobs.orders import IN_ORDER, JobOrders
from segmint.evaluation.trial import trial
from segmint.outputs import read_json, write_json
from segmint.recipes import RECIPES
from segmint.report.build import build_report
from segmint.synthesis.cards import write_cards
from segmint.synthesis.sample import sample
from segmint.training.run_folder import RunFolder
from segmint.training.stored_config import read_config
from segmint.training.train import train
from segmint.workflow.check import check_orders
from segmint.workflow.choice import Choice, choose_recipe, facts_of
from segmint.workflow.orders import Orders
from segmint.workflow.steps import Step, command, write_record

INSPECTION = "inspection.json"
EVALUATE = "Evaluate the synthetic pairs"
CURATE = "Curate the synthetic pairs"


@dataclass
class Road:
    """One journey from a dataset to a report inside the folder `out`; `jobs`: where the trial's trainings run."""

    dataset: Path
    out: Path
    orders: Orders
    verb: str
    record_settings: Mapping[str, Any]
    demonstration: bool
    progress: bool
    jobs: JobOrders = IN_ORDER
    steps: list[Step] = field(default_factory=list)
    choice: Choice | None = None
    unlabelled_images: int = 0

    def travel(self) -> Path:
        """Go every step that is not done yet and return the report.

        Raises:
            UserError: a step finds its input wrong.
            JobsFailed: jobs of other processes or of a cluster did not get done; the same call with `resume` goes on.
            KeyboardInterrupt: stopped by Ctrl-C; the same call with `resume` goes on.
        """
        arms = parse_arms(self.orders.arms)
        if not any(arm.synthetic for arm in arms):
            raise UserError(
                "--arms: none of them has synthetic slices (F), so there would be nothing to learn: name one."
            )
        self.choice = self._choose()
        self._say(self.choice.why)
        device = self.jobs.device_here(self.orders.device)
        check_orders(self.orders, self.dataset, self.choice.recipe, beside=self.out, device=device)
        self._list_steps()
        try:
            self._train(self.choice.recipe)
            needed = self._sample(arms)
            if self.orders.curate:
                self._curate(needed)
            self._evaluate()
            self._write_cards()
            self._trial(arms)
            self._write_cards()
        except KeyboardInterrupt:
            self._say("Stopped; finished steps are kept. To go on with all of it: the same command with --resume.")
            raise
        except JobsFailed as failed:
            raise JobsFailed(failed.problems, again="the same command with --resume") from failed
        self._begin(Step("Report", "report.html", command("report", self.out)))
        report = build_report(self.out)
        return report

    def _choose(self) -> Choice:
        self._begin(Step("Inspect the dataset", INSPECTION, command("data", "inspect", self.dataset)))
        target = self.out / INSPECTION
        if not target.is_file():
            inspection = inspect_dataset(self.dataset)
            refuse_problems(inspection, self.dataset)
            write_json(target, inspection)
        inspection = read_json(target)
        name = str(inspection["name"])
        facts = facts_of(inspection)
        self.unlabelled_images = facts.unlabelled
        if self.orders.unlabelled == "ignore":
            facts = replace(facts, unlabelled=0)
        return choose_recipe(facts, RECIPES, dataset=name, named=self.orders.recipe)

    def _list_steps(self) -> None:
        places = [*self.steps]
        places += [Step("Train the generator", "run", ""), Step("Draw synthetic pairs", self._drawn.name, "")]
        places += [Step(CURATE, "synthetic", "")] if self.orders.curate else []
        places += [Step(EVALUATE, "evaluation", ""), Step("Segmentation trial", "trial", "")]
        places += [Step("Report", "report.html", "")]
        self._say("The steps and where they write:")
        for number, step in enumerate(places, start=1):
            self._say(f"  {number}. {step.name}: {self.out / step.folder}")

    def _train(self, recipe: str) -> None:
        orders, folder = self.orders, self.out / "run"
        options: dict[str, Any] = {
            "size": orders.size,
            "kimg": orders.kimg,
            "batch": orders.batch,
            "capacity": orders.capacity,
            "mask_source": orders.mask_source,
            "auxiliary": orders.auxiliary,
            "conditions": orders.conditions,
            "tile": orders.tile,
            "subset": orders.subset,
            "unlabelled": orders.unlabelled,
            "axis": orders.axis,
            "seed": orders.seed,
            "device": orders.device,
            "precision": orders.precision,
            "threads": orders.threads,
        }
        # What `train` and this workflow would do unasked is another thing for images without labels.
        said = {key: value for key, value in options.items() if key == "unlabelled" or value != "auto"}
        if not self.unlabelled_images or orders.unlabelled == "use":
            del said["unlabelled"]
        if orders.conditions == ():
            said["conditions"] = "none"
        line = command("train", recipe, self.dataset, out=folder, preset=orders.preset, **said, set=orders.settings)
        self._begin(Step("Train the generator", "run", line))
        begun = (folder / "config.json").is_file()
        if begun and RunFolder(folder).status == "done":
            self._say("  done before")
            return
        train(
            recipe,
            self.dataset,
            out=folder,
            preset=orders.preset,
            settings=orders.settings,
            resume=begun,
            # A call that was stopped before it wrote its configuration has left nothing to keep.
            overwrite=not begun,
            progress=self.progress,
            **options,
        )

    @property
    def _drawn(self) -> Path:
        """All pairs that are drawn; where they are curated, `synthetic` holds those that are kept."""
        return self.out / ("drawn" if self.orders.curate else "synthetic")

    def _sample(self, arms: Sequence[Arm]) -> int:
        """Draw pairs, and tell how many the arms take."""
        orders, run, folder = self.orders, self.out / "run", self._drawn
        real_slices = int(read_config(RunFolder(run))["dataset"]["training_slices"])
        gated = () if orders.gate is None else candidate_arms(orders.gate.shares)
        needed = max(arm.counts(real_slices).synthetic for arm in (*arms, *gated) if arm.synthetic)
        pairs = to_draw(needed) if orders.curate else needed
        if not orders.curate and orders.gate is not None and KEPT in (orders.gate.filters or FILTERS):
            # The trial curates them where the gate chooses so.
            pairs = max(pairs, *(to_draw(arm.counts(real_slices).synthetic) for arm in gated))
        balance = orders.balance or None
        line = command(
            "sample", run, n=pairs, seed=orders.seed, out=folder, truncation=orders.truncation, balance=balance
        )
        self._begin(Step("Draw synthetic pairs", folder.name, line))
        if (folder / "dataset.json").is_file():
            self._say("  done before")
            return needed
        sample(
            run,
            n=pairs,
            seed=orders.seed,
            out=folder,
            truncation=orders.truncation,
            balance=balance,
            overwrite=True,
            device=orders.device,
        )
        return needed

    def _curate(self, needed: int) -> None:
        orders, folder = self.orders, self.out / "synthetic"
        # The segmenter that judges the pairs trains as long as one of the trial's, and is that of the evaluation.
        options: dict[str, Any] = {
            "size": orders.size,
            "axis": orders.axis,
            "steps": orders.steps,
            "batch": orders.trial_batch,
        }
        device = None if orders.device == "auto" else orders.device
        line = command("curate", self.dataset, self._drawn, out=folder, **options, device=device)
        self._begin(Step(CURATE, folder.name, line))
        if (folder / "dataset.json").is_file():
            self._say("  done before")
        else:
            curate(
                self.dataset,
                self._drawn,
                out=folder,
                **options,
                overwrite=True,
                device=orders.device,
                progress=self.progress,
            )
        check_kept(folder, needed=needed)

    def _evaluate(self) -> None:
        orders, synthetic, folder = self.orders, self.out / "synthetic", self.out / "evaluation"
        # The segmenter that looks at the pairs trains as long as one of the trial's.
        steps, batch = (orders.steps, orders.trial_batch) if orders.alignment else (None, None)
        line = command(
            "evaluate",
            self.dataset,
            synthetic,
            out=folder,
            size=orders.size,
            axis=orders.axis,
            no_fidelity=not orders.fidelity,
            no_privacy=not orders.privacy,
            alignment=orders.alignment,
            steps=steps,
            batch=batch,
            device=None if orders.device == "auto" else orders.device,
        )
        self._begin(Step(EVALUATE, "evaluation", line))
        if (folder / RESULT).is_file():
            self._say("  done before")
            return
        evaluate(
            self.dataset,
            synthetic,
            out=folder,
            size=orders.size,
            axis=orders.axis,
            fidelity=orders.fidelity,
            privacy=orders.privacy,
            alignment=orders.alignment,
            steps=steps,
            batch=batch,
            overwrite=True,
            device=orders.device,
            progress=self.progress,
        )

    def _write_cards(self) -> None:
        """What the audit and the trial found, into the synthetic set."""
        trial, synthetic = self.out / "trial" / "trial.json", self.out / "synthetic"
        write_cards(
            synthetic,
            self.out / "run",
            evaluation=read_json(self.out / "evaluation" / RESULT),
            trial=read_json(trial) if trial.is_file() else None,
            curation=read_json(synthetic / CURATION) if self.orders.curate else None,
        )

    def _trial(self, arms: Sequence[Arm]) -> None:
        orders, synthetic, folder = self.orders, self.out / "synthetic", self.out / "trial"
        gate = orders.gate
        generator = orders.generator(self.choice.recipe) if gate is not None and self.choice is not None else None
        line = command(
            "trial",
            self.dataset,
            synthetic,
            out=folder,
            arms=[arm.name for arm in arms],
            primary=orders.primary,
            seeds=orders.seeds,
            steps=orders.steps,
            batch=orders.trial_batch,
            **_segmenter_options(orders),
            augment=orders.augment or None,
            surface_tolerance=orders.surface_tolerance,
            size=orders.size,
            axis=orders.axis,
            subset=orders.subset,
            device=None if orders.device == "auto" else orders.device,
            threads=orders.threads,
            processes=None if self.jobs.processes == 1 else self.jobs.processes,
            cluster=self.jobs.cluster,
            cluster_set=self.jobs.settings,
            demonstration=self.demonstration,
            **_gate_options(generator, gate),
        )
        self._begin(Step("Segmentation trial", "trial", line))
        if (folder / "trial.json").is_file():
            self._say("  done before")
            return
        trial(
            self.dataset,
            [synthetic],
            out=folder,
            size=orders.size,
            axis=orders.axis,
            arms=[arm.name for arm in arms],
            primary=orders.primary,
            seeds=orders.seeds,
            steps=orders.steps,
            batch=orders.trial_batch,
            segmenter=orders.segmenter,
            segmenter_preset=orders.segmenter_preset,
            segmenter_capacity=orders.segmenter_capacity,
            segmenter_settings=orders.segmenter_settings,
            augment=orders.augment,
            surface_tolerance=orders.surface_tolerance,
            subset=orders.subset,
            device=orders.device,
            demonstration=self.demonstration,
            generator=generator,
            gate=gate,
            processes=self.jobs.processes,
            cluster=self.jobs.cluster,
            cluster_settings=self.jobs.settings,
            threads=orders.threads,
            progress=self.progress,
        )

    def _begin(self, step: Step) -> None:
        """Say the step and its command, and record all steps so far."""
        self.steps.append(step)
        self._say(f"{step.name}: {step.command}")
        choice = self.choice or Choice("", "")
        write_record(
            self.out,
            verb=self.verb,
            demonstration=self.demonstration,
            recipe=choice.recipe,
            why=choice.why,
            settings=self.record_settings,
            steps=self.steps,
        )

    def _say(self, sentence: str) -> None:
        Console(stderr=True, quiet=not self.progress).print(sentence, highlight=False, markup=False, soft_wrap=True)


def _segmenter_options(orders: Orders) -> dict[str, Any]:
    """Options of the trial's command line that choose another segmenter."""
    plain = Orders()
    said = {key: getattr(orders, key) for key in ("segmenter", "segmenter_preset", "segmenter_capacity")}
    chosen = {key: value for key, value in said.items() if value != getattr(plain, key)}
    return {**chosen, "set": orders.segmenter_settings}


def _gate_options(generator: GeneratorOrders | None, gate: GateOrders | None) -> dict[str, Any]:
    """Options of the trial's command line that ask the gate."""
    if generator is None or gate is None:
        return {}
    said = {key: value for key, value in vars(generator).items() if value not in (None, "auto")}
    if generator.conditions == ():
        said["conditions"] = "none"
    return {
        **{key: value for key, value in said.items() if key not in ("batch", "settings", "threads")},
        "generator_batch": generator.batch,
        "generator_set": generator.settings,
        "gate": True,
        "gate_shares": gate.shares,
        "gate_filters": gate.filters,
        "gate_folds": gate.folds,
        "gate_seeds": gate.seeds,
    }


def refuse_problems(inspection: Mapping[str, Any], dataset: Path) -> None:
    """Stop before hours are spent on a dataset that must be mended first.

    Raises:
        UserError: inspection found a problem.
    """
    problems = list(inspection["problems"])
    if problems:
        more = f" ({len(problems) - 1} more: segmint data inspect {dataset})" if len(problems) > 1 else ""
        raise UserError(f"{str(problems[0]).rstrip('.')}{more}.")
