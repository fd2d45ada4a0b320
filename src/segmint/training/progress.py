"""What the user sees while a stage trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console


def describe(line: Mapping[str, Any], total: int, unit: str = "img") -> str:
    """One log line in words: thousands of `unit` shown, how many a second, time left, memory, losses, validation."""
    rate = line["images_per_second"]
    left = (total - line["images"]) / rate if rate > 0 else 0
    parts = [
        f"{line['kimg']:.1f}/{total / 1000:g} k{unit}",
        f"{rate:.1f} {unit}/s",
        f"{clock(left)} left",
        f"{line['memory_mb']} MB",
    ]
    for network, losses in line["losses"].items():
        if losses:
            name, value = next(iter(losses.items()))
            parts.append(f"{network} {name.replace('_', ' ')} {value:.3f}")
    if line["augmentation"] is not None:
        parts.append(f"augmentation {line['augmentation']:.2f}")
    if line["validation"] is not None:
        parts.append(f"{line['validation']['name'].replace('_', ' ')} {line['validation']['value']:.4g}")
    return "  ".join(parts)


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress:
    """Prints a line a tick; on a terminal a status line stays at the bottom. Names health findings when they are new."""

    def __init__(self, console: Console, total: int, unit: str = "img") -> None:
        self.console, self.total, self.unit = console, total, unit
        self.named: set[str] = set()
        self.status = console.status("first tick ...") if console.is_terminal else None

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Show one log line."""
        text = describe(line, self.total, self.unit)
        if self.status is not None:
            self.status.update(text)
        if self.status is None or line["validation"] is not None:
            self.console.print(text, highlight=False)
        findings = {finding["code"]: finding for finding in line["health"]}
        for code in findings.keys() - self.named:
            self.console.print(
                f"[yellow]health:[/yellow] {code.replace('_', ' ')}: {findings[code]['message']}. Try: {findings[code]['advice']}.",
                highlight=False,
            )
        for code in self.named - findings.keys():
            self.console.print(f"[green]health:[/green] {code.replace('_', ' ')} is over.", highlight=False)
        self.named = set(findings)


@contextmanager
def shown_progress(total: int, *, shown: bool, unit: str = "img") -> Iterator[Progress]:
    """Progress on standard error, or nowhere."""
    progress = Progress(Console(stderr=True, quiet=not shown), total, unit)
    if progress.status is None:
        yield progress
    else:
        with progress.status:
            yield progress
