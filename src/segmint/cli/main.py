"""`segmint`: the verbs put together, and every ending turned into an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

import segmint
from segmint.cli import annotate, curate, curve, data, evaluate, recipes, report, run, sample, segment, train, trial
from segmint.cli.failures import DEFECT, DONE, outcome_of, tell

# Plain help: drawing it with rich would take longer than everything else.
app = typer.Typer(
    name="segmint",
    help="Train a generator on few labelled medical images, mint image + mask pairs, and measure whether they help.",
    epilog="Start with: segmint demo --out demo",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(run.demo_verb)
app.command("run")(run.run_verb)
app.command("recipes")(recipes.recipes_verb)
app.add_typer(data.app, name="data")
app.command("train")(train.train_verb)
app.command("sample")(sample.sample_verb)
app.add_typer(annotate.app, name="annotate")
app.command("curate")(curate.curate_verb)
app.command("evaluate")(evaluate.evaluate_verb)
app.add_typer(trial.app, name="trial")
app.command("curve")(curve.curve_verb)
app.add_typer(segment.app, name="segment")
app.command("report")(report.report_verb)


@app.callback(invoke_without_command=True)
def _whole(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False,
) -> None:
    if version:
        typer.echo(f"segmint {segmint.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (default: that of the process) and return its exit code.

    0 done; 2 the user's input is wrong, told in one sentence on stderr; 130 stopped by Ctrl-C; 1 a defect, with its
    traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = next((word for word in words if not word.startswith("-")), "")
    try:
        code = app(args=words, prog_name="segmint", standalone_mode=False)
    except BrokenPipeError:
        # The reader of a pipe (head, less) went away; Python would complain again when it flushes stdout at exit.
        sys.stdout = None
        return DONE
    except (Exception, KeyboardInterrupt) as error:
        outcome = outcome_of(error, verb=verb)
        if outcome.code == DEFECT:
            traceback.print_exc()
        tell(outcome)
        return outcome.code
    return code if isinstance(code, int) else DONE
