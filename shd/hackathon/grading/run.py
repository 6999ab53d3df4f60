"""Run a rebuilt notebook: its kernel in a sandbox, the client that records what it prints outside."""

import asyncio
import math
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path

from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from shd.hackathon.exercise import HAND_IN, HIDDEN_SEEDS
from shd.hackathon.grading.rebuild import ANSWER, CHECK, tagged
from shd.hackathon.sandbox import Sandbox, kernel_manager

MOST_PRINTED = 1_000_000
"""Bytes that one cell may print or draw before it is stopped; figures count."""
HANDED_IN = "handed-in"
"""The folder that check cells write to, in the private directory of a run."""
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_MOST_OF_AN_ERROR = 300  # characters that a team reads of it
_NO_MORE = (
    "MemoryError", "allocate memory", "can't start new thread", "Too many open files", "temporarily unavailable",
)  # fmt: skip
_GRACE = 5.0  # seconds that an interrupted cell has to end
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")


@dataclass(frozen=True)
class Pace:
    """How long things may take, in seconds: a cell, and the whole notebook, again and again included."""

    cell: float = 120.0
    notebook: float = 900.0


@dataclass
class Ran:
    """A notebook that ran, the layers around it, whose cells were left out or stopped, and what there is to say."""

    book: NotebookNode
    layers: list[str]
    left_out: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class _Client(NotebookClient):
    """Run all cells, whatever becomes of one; stop a cell that takes too long or prints too much."""

    pace: Pace
    at: int = 0  # the cell that runs
    stopped: str | None = None  # why the last cell that was stopped was stopped

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **options) -> NotebookNode:
        self.at, self.stopped, self.printed, self.flooded = cell_index, None, 0, asyncio.Event()
        guard = asyncio.ensure_future(self._guard())
        try:
            return await super().async_execute_cell(cell, cell_index, **options)
        finally:
            guard.cancel()

    async def _guard(self) -> None:
        """Interrupt a cell when its time is up or it has printed enough, and end the kernel if that does not help."""
        try:
            await asyncio.wait_for(self.flooded.wait(), self.pace.cell)
            self.stopped = f"printed more than {MOST_PRINTED / 1e6:.0f} MB"
        except TimeoutError:
            self.stopped = f"ran longer than {self.pace.cell:.0f} seconds"
        await self.km.interrupt_kernel()
        await asyncio.sleep(_GRACE)
        await self.km.shutdown_kernel(now=True)

    def process_message(self, msg: dict, cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        if msg["msg_type"] != "status":
            self.printed += _size(msg["content"])
            if self.printed > MOST_PRINTED:
                self.flooded.set()
                return None
        return super().process_message(msg, cell, cell_index)


def run(book: NotebookNode, make_box: Callable[[], Sandbox], seeds: list[int], pace: Pace = Pace()) -> Ran:
    """Run a notebook in a sandbox whose private directory holds the challenge and nothing else.

    Where a cell ends the kernel, or is refused memory, threads or files which later ones are then refused, too, its
    answer is left out and the notebook runs again, in a directory made anew: it costs its own points, not those of the
    others. A run is only begun where there is as much time left as the one before took.
    """
    left_out: dict[str, str] = {}
    deadline = time.monotonic() + pace.notebook
    while True:
        begun, attempt, box = time.monotonic(), deepcopy(book), make_box()
        for cell in attempt.cells:
            if tagged(cell, ANSWER) in left_out:
                cell.source = "# left out"
        stopped, notes, fault = _once(attempt, box, seeds, replace(pace, notebook=deadline - begun))
        _settle(attempt, box.work)
        name, why = fault or _who_used_all(attempt) or (None, None)
        if name is None or name in left_out or deadline - time.monotonic() < time.monotonic() - begun:
            notes += [f"{name or 'the notebook'}: {fault[1]}; the cells after it did not run."] if fault else []
            break
        left_out[name] = why
    return Ran(attempt, [layer.name for layer in box.layers], left_out, stopped, notes)


def _once(book: NotebookNode, box: Sandbox, seeds: list[int], pace: Pace) -> tuple[dict, list, tuple | None]:
    """Run all cells once; return why cells were stopped, by exercise or as notes, and who ended the kernel."""
    manager = kernel_manager(box, AsyncKernelManager)
    options = {"allow_errors": True, "timeout": None, "record_timing": False, "coalesce_streams": True}
    options["startup_timeout"] = math.ceil(pace.notebook)  # a busy machine is not the team's fault
    client = _Client(book, km=manager, **options)  # which forgets its manager where the kernel does not start
    client.pace = pace
    stopped: dict[str, str] = {}
    notes: list[str] = []

    def note_stopped(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        name = _whose(book, cell_index)
        if client.stopped and name:
            stopped.setdefault(name, f"{client.stopped}, and was stopped")
        elif client.stopped:
            notes.append(f"a cell {client.stopped}, and was stopped.")

    client.on_cell_executed = note_stopped
    told = {HAND_IN: str(box.work / HANDED_IN), HIDDEN_SEEDS: ",".join(map(str, seeds))}
    with ThreadPoolExecutor(1) as thread:  # whoever calls this may have a loop of events that runs already
        why = thread.submit(asyncio.run, _to_its_end(client, manager, box, told)).result()
    if why is None:
        return stopped, notes, None
    name = _whose(book, client.at)
    return stopped, notes, (name, f"its cell {why}" if name else f"it {why}")


async def _to_its_end(client: _Client, manager: AsyncKernelManager, box: Sandbox, told: dict[str, str]) -> str | None:
    """Run all cells, watched; return why the kernel ended before them, if it did."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    await manager.start_kernel(env=box.environment(told), cwd=str(box.work), **quiet)
    with box.watch(manager.provisioner.process) as watch:
        try:
            await asyncio.wait_for(client.async_execute(), client.pace.notebook)
        except TimeoutError:
            return f"was not at its end after {client.pace.notebook:.0f} seconds"
        except (DeadKernelError, RuntimeError):  # RuntimeError: it died while it started
            return _said(watch.broken) or client.stopped or "ended the kernel"
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
            await manager.shutdown_kernel(now=True)
    return None


def _said(broken: str | None) -> str | None:
    """Turn the sentence of a watch into the end of one."""
    return broken and broken.rstrip(".").removeprefix("It ")


def _whose(book: NotebookNode, at: int) -> str | None:
    """Return the exercise of a cell: its own, or that of the answer before it."""
    for cell in book.cells[at::-1]:
        if (name := tagged(cell, ANSWER) or tagged(cell, CHECK)) and cell.cell_type == "code":
            return name
    return None


def why_stopped(book: NotebookNode, name: str) -> str | None:
    """Return the error that stopped the answer of an exercise, or its check."""
    for output in _outputs(book, name, (ANSWER, CHECK)):
        if output.output_type == "error":
            return " ".join(f"stopped with {output.ename}: {output.evalue}"[:_MOST_OF_AN_ERROR].split()).rstrip(".: ")
    return None


def prints(book: NotebookNode, name: str, line: str) -> bool:
    """Whether the answer cell of an exercise printed a line."""
    return any(line in str(output.get("text", "")) for output in _outputs(book, name, (ANSWER,)))


def _outputs(book: NotebookNode, name: str, kinds: tuple[str, ...]) -> Iterator[NotebookNode]:
    for cell in book.cells:
        if cell.cell_type == "code" and any(tagged(cell, kind) == name for kind in kinds):
            yield from cell.outputs


def _who_used_all(book: NotebookNode) -> tuple[str, str] | None:
    """Return the first exercise that was refused more of something, where a later one was refused it as well."""
    names = dict.fromkeys(tagged(cell, ANSWER) for cell in book.cells if tagged(cell, ANSWER))
    said = {name: why_stopped(book, name) or "" for name in names}
    refused = [name for name, why in said.items() if any(word in why for word in _NO_MORE)]
    return (refused[0], f"its cell {said[refused[0]]}") if len(refused) > 1 else None


def _settle(book: NotebookNode, place: Path) -> None:
    """Take out of what was printed whatever differs from run to run: places in memory, and the private directory."""
    for cell in book.cells:
        for output in cell.get("outputs", []):
            for held in (output, output.get("data", {})):
                for key, value in held.items():
                    if isinstance(value, str) and not key.startswith("image/"):
                        held[key] = _settled(value, place)
                    elif key == "traceback":
                        held[key] = [_settled(line, place) for line in value]
    book.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})


def _settled(text: str, place: Path) -> str:
    return _ADDRESS.sub("0x...", text.replace(str(place), "."))


def _size(content: object) -> int:
    """Count the characters that a message holds."""
    if isinstance(content, dict):
        return sum(map(_size, content.values()))
    if isinstance(content, (list, tuple)):
        return sum(map(_size, content))
    return len(content) if isinstance(content, str) else 8
