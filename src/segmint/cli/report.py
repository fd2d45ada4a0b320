"""`segmint report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report_verb(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Folder of a run, an evaluation, a trial, a curve, or of segmint run or demo."
        ),
    ],
) -> None:
    """Write report.html: one file, opens offline."""
    from segmint.report.build import build_report

    typer.echo(f"Report: {build_report(folder)}")
