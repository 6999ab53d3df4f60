"""Compare synthetic with real records: are they alike, useful, safe, and so for everybody.

One module a question, in the rooms `fidelity`, `utility`, `privacy`, `fairness` and `images`; the list of them is
`shd.compare.ask.QUESTIONS`. `compare` asks them all, `ask` one of them by its name. `checks` says whether it was done
as it should be.
"""

import sys
from importlib import import_module
from inspect import signature
from types import ModuleType

from shd.compare.ask import ask, compare, questions

_HOMES = {
    "Report": "report.report",
    "Score": "core.score",
    "Skipped": "core.score",
    "c2st": "fidelity.c2st",
    "explain": "checks",
    "tstr": "utility.tstr",
}
"""Where the other public names live; each is loaded when it is asked for, so that a light question stays light."""

__all__ = ["ask", "compare", "questions", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'shd.compare' has no attribute {name!r}")
    value = getattr(import_module(f"shd.compare.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Lets ``shd.compare(train, synthetic)`` and ``shd.compare.c2st`` be had under one name."""

    __call__ = staticmethod(compare)


sys.modules[__name__].__class__ = _Package
__signature__ = signature(compare)  # what editors and notebooks show for shd.compare
