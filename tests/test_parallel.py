"""Work on several cores: results in order, and warnings as they were."""

import threading
import warnings

import pytest

from shd import _parallel
from shd._parallel import in_parallel


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    monkeypatch.setattr(_parallel, "_WORKERS", 2)  # other tests have one
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


def test_results_come_in_order_and_errors_come_back():
    assert in_parallel(lambda a, b: a - b, range(5), [1] * 5) == [-1, 0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        in_parallel(lambda a: 1 / a, [1, 0])


@pytest.mark.parametrize(("told", "threads"), [("1", 1), ("2", 2), ("9", 2), ("0", 1)])
def test_so_many_threads_as_the_environment_says(monkeypatch, told, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    gate = threading.Barrier(threads, timeout=30)
    names = in_parallel(lambda _: gate.wait() is None or threading.current_thread().name, range(2))
    assert len(set(names)) == threads


def test_filters_stay_and_only_a_false_alarm_is_swallowed():
    """Threads that end in another order than they began put back the filters of each other."""
    gate = threading.Barrier(2, timeout=30)

    def spoil(first: bool) -> None:
        with warnings.catch_warnings():
            gate.wait()
            warnings.resetwarnings()
            warnings.warn(
                "`sklearn.utils.parallel.delayed` should be used with another thing", UserWarning, stacklevel=1
            )
            warnings.warn("mine", UserWarning, stacklevel=1)
            gate.wait()

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        in_parallel(spoil, [True, False])
        assert warnings.filters == before
    assert {str(one.message) for one in said} == {"mine"}


def test_a_warning_that_is_an_error_stays_one():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="mine"):
            in_parallel(lambda _: warnings.warn("mine", UserWarning, stacklevel=1), [0])
