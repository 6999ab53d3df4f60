"""How the command line speaks: notes and errors of one line, exit codes, Ctrl-C, JSON."""

import json
import re
import shutil
import signal
import sys
import textwrap
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata

from shd._errors import ShdError, ShdWarning

INTERRUPTED = 130  # what shells use for Ctrl-C


def run(command: Callable[[], int | None], debug: bool = False) -> int:
    """Run a command and return its exit code: 0, 1 the work failed, 2 impossible, 130 Ctrl-C."""
    with _interrupts() as interrupted, _warnings_as_notes(debug):
        line = "stopped; no output was written."
        try:
            code = command() or 0
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read our output has seen enough, as in `| head`
            sys.stdout = None
            return 0
        except KeyboardInterrupt as stop:
            code, line = INTERRUPTED, str(stop) or line
        except Exception as error:
            if type(error).__name__ == "NoArgsIsHelpError":  # a command that needs another word: its help
                print(error.format_message(), file=sys.stderr)
                return 2
            if debug:
                traceback.print_exc()
            line, code = _explain(error)
            _say(line, "red")
            return code
    if code == INTERRUPTED:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # leave the line that shows ^C
        _say(line, "yellow")
    elif interrupted:
        return INTERRUPTED
    return code


def emit(result: object, as_json: bool, text: str) -> None:
    """Print what a command found on standard output: for programs as JSON, for people as text."""
    print(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) if as_json else _fitted(text))


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines of text, each column as wide as its longest cell."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _fitted(text: str) -> str:
    """Break long lines between words where a person reads them on a terminal; files get them whole."""
    if not sys.stdout.isatty():
        return text
    width = shutil.get_terminal_size().columns
    options = {"subsequent_indent": " " * 11, "break_long_words": False, "break_on_hyphens": False}
    *lines, made = text.splitlines()  # a path is kept whole, to be copied
    return "\n".join([*("\n".join(textwrap.wrap(line, width, **options)) for line in lines), made])


def _explain(error: Exception) -> tuple[str, int]:
    """Return one line that says what to do, and the exit code."""
    if isinstance(error, ShdError):
        return _as_options(_one_line(error)), error.exit_code
    if hasattr(error, "format_message"):  # the parser: an unknown option, a missing argument
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "shd"
        return f"{_one_line(error.format_message()).rstrip('.')}. See: {command} --help", 2
    if isinstance(error, MemoryError):
        return "not enough memory; give fewer rows, or use a larger machine.", 1
    if isinstance(error, ModuleNotFoundError) and (extra := _extra_with(error.name or "")):
        return f"{error.name} is not installed: install shd[{extra}], from where you have shd.", 1
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}; mend that and try again.", 1
    return f"unexpected {type(error).__name__}: {_one_line(error)} To see where, add --debug.", 1


def _extra_with(module: str) -> str | None:
    """Return the extra of shd that brings a package, if one does."""
    try:
        lines = metadata.requires("shd") or []
    except metadata.PackageNotFoundError:
        return None
    asked = (re.match(r"([\w.-]+).*extra == ['\"](\w+)['\"]", line) for line in lines)
    wanted = module.partition(".")[0].lower()
    found = [one[2] for one in asked if one and one[1].lower().replace("-", "_") == wanted]
    return min(found, key=lambda extra: extra == "dev", default=None)


_ARGUMENTS = "source|target|subject|sensitive|condition|minutes|steps|skip|missing|text|decimal|test_size|random_state"
_ARGUMENT = re.compile(rf"(?<![\w(.-])({_ARGUMENTS})(?:=|(?=: there is no column)|(?= towards))")


def _as_options(line: str) -> str:
    """Name what Python calls ``target=`` as it is called here: ``--target``."""
    names = {"random_state": "seed", "test_size": "test-size"}

    def option(found: re.Match) -> str:
        return f"--{names.get(found[1], found[1])}{' ' if found[0].endswith('=') else ''}"

    return _ARGUMENT.sub(option, line)


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _say(line: str, colour: str) -> None:
    marks = {"red": "\033[31m", "yellow": "\033[33m"}
    mark, end = (marks[colour], "\033[0m") if sys.stderr.isatty() else ("", "")
    print(f"{mark}shd:{end} {line}", file=sys.stderr, flush=True)


@contextmanager
def _warnings_as_notes(debug: bool) -> Iterator[None]:
    """Show our warnings as notes of one line, once each, and those of other packages on demand."""
    seen = set()

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        text = _one_line(message)
        if text not in seen:
            seen.add(text)
            print(f"note: {text}", file=sys.stderr, flush=True)

    with warnings.catch_warnings():
        warnings.simplefilter("default" if debug else "ignore")
        warnings.simplefilter("always", ShdWarning)
        warnings.showwarning = show
        yield


@contextmanager
def _interrupts() -> Iterator[list]:
    """Note every Ctrl-C: a fit that stops early and goes on still ends with 130."""
    noted = []

    def note(number, frame) -> None:
        noted.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
