"""One thread a task, one task a core: fast on a busy machine, and the same digits on every one."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_WORKERS = 4


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numerical libraries from spreading small work over threads that then wait for each other."""
    with _libraries().limit(limits=1):
        yield


def in_parallel(function: Callable, *arguments: Iterable) -> list:
    """Call a function for each set of arguments, like `map`, on up to four cores; results in order."""

    def alone(*arguments: object) -> object:
        with _libraries().limit(limits=1, user_api="openmp"):  # OpenMP keeps the limit for each thread apart
            return function(*arguments)

    with one_thread(), ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as pool:
        return list(pool.map(alone, *arguments))
