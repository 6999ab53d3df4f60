"""One thread a task, one task a core: fast on a busy machine, and the same digits on every one."""

import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_WORKERS = 4
_FALSE_ALARM = "`sklearn.utils.parallel.delayed` should be used with"


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numerical libraries from spreading small work over threads that then wait for each other."""
    with _libraries().limit(limits=1):
        yield


def in_parallel(function: Callable, *arguments: Iterable) -> list:
    """Call a function for each set of arguments, like `map`, on up to four cores; results in order.

    OMP_NUM_THREADS says, here as elsewhere, how many may be used.
    """

    def alone(*arguments: object) -> object:
        with _libraries().limit(limits=1, user_api="openmp"):  # OpenMP keeps the limit for each thread apart
            return function(*arguments)

    with _one_set_of_filters(), one_thread(), ThreadPoolExecutor(min(_WORKERS, _cores())) as pool:
        return list(pool.map(alone, *arguments))


def _cores() -> int:
    told = os.environ.get("OMP_NUM_THREADS", "")
    return max(int(told), 1) if told.isdigit() else os.cpu_count() or 1


@contextmanager
def _one_set_of_filters() -> Iterator[None]:
    """Leave the filters of warnings as they were, and pass on what was said but for a false alarm of scikit-learn.

    Before Python 3.14 all threads share them. Each tree of a forest empties them for a moment; another forest that
    looks then says that its configuration got lost, and may put back the empty ones.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # within another call of `in_parallel`
        return
    with warnings.catch_warnings(record=True) as said:
        yield
    for one in said:
        if _FALSE_ALARM not in str(one.message):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
