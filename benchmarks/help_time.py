"""Time from starting `segmint --help` to its end.

python benchmarks/help_time.py
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

# Users wait for it each time they look something up.
LIMIT_SECONDS = 0.5
RUNS = 5


def main() -> int:
    """Print the median of five runs after one unmeasured; 0 if it is below the limit, 1 if not, 2 if there is no command."""
    beside_python = Path(sys.executable).with_name("segmint")
    command = str(beside_python) if beside_python.exists() else shutil.which("segmint")
    if command is None:
        print(
            "There is no command segmint beside this Python or on the path: install the project first.", file=sys.stderr
        )
        return 2
    seconds = [_time(command) for _ in range(1 + RUNS)][1:]
    median = statistics.median(seconds)
    print(f"segmint --help: {median:.2f} s (median of {RUNS}, {min(seconds):.2f} to {max(seconds):.2f})")
    if median >= LIMIT_SECONDS:
        print(f"That is not below {LIMIT_SECONDS} s.", file=sys.stderr)
        return 1
    return 0


def _time(command: str) -> float:
    start = time.perf_counter()
    subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
