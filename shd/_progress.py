"""Progress with time left, for anything that takes more than two seconds."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from shd._processes import rank

_ROOMY = 110  # columns of a terminal that hold every part of a progress bar
_PERIOD = 600  # seconds that the time left is told from: a step may take minutes


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return bool(shell and getattr(shell.get_ipython(), "kernel", None))


def _shown() -> bool:
    """Show bars to people only: on a terminal or in a notebook, and not where SHD_PROGRESS=0."""
    if os.environ.get("SHD_PROGRESS", "1") == "0" or rank():
        return False
    return sys.stderr.isatty() or _in_notebook()


def in_lines() -> bool:
    """Whether somebody may want lines instead of a bar: where output goes to a file."""
    return os.environ.get("SHD_PROGRESS", "1") != "0" and not _shown()


def notice(line: str) -> None:
    """Tell people one thing on standard error, which leaves standard output to programs."""
    if rank() == 0:
        print(line, file=sys.stderr, flush=True)


@dataclass
class Bar:
    """A handle on one running progress bar."""

    _progress: Progress
    _task: TaskID

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        """Move on by `steps`; `note` replaces the text shown behind the bar."""
        self._progress.advance(self._task, steps)
        if note is not None:
            self._progress.update(self._task, note=note)

    def skip(self) -> None:
        """Take a step out that was done before: it tells nothing of the time that the others take."""
        self._progress.update(self._task, total=(self._progress.tasks[self._task].total or 1) - 1)


@contextmanager
def progress(total: float, label: str) -> Iterator[Bar]:
    """Show a progress bar with the time left on standard error; where there is room, the time so far."""
    console = Console(stderr=True) if not _in_notebook() else None
    roomy = console is None or console.width >= _ROOMY
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30 if roomy else 12),
        TextColumn("{task.percentage:>3.0f}%"),
        *([TimeElapsedColumn()] if roomy else []),
        TextColumn("left"),
        TimeRemainingColumn(table_column=Column(min_width=7, no_wrap=True)),
        TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True, overflow="ellipsis")),
    )
    with Progress(
        *columns, console=console, disable=not _shown(), transient=_in_notebook(), speed_estimate_period=_PERIOD
    ) as bars:
        yield Bar(bars, bars.add_task(label, total=total, note=""))
