"""Families times data sets times seeds: quality against seconds, in one tidy table and one figure.

Each fit is one piece of work with a file of its own. A bench that was stopped goes on where it was; several run at once
in processes of this machine, or on a Dask cluster, and give the same table but for the seconds.
"""

import hashlib
import json
import multiprocessing
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from shd import __version__
from shd._errors import ShdError, ShdWarning
from shd._progress import in_lines, notice, progress
from shd.dataset import Dataset

TEST_SIZE = 0.4
"""Share of the people that are held out."""

AUTO = "auto"
"""The family that `choose_family` takes for a table."""

PLAIN = ("records", "columns", "c2st", "tstr", "trtr", "nearer", "membership", "association error", "copies")
"""Columns of the table that do not depend on the machine; the judges' own AUROCs come behind."""

SECONDS = ("fit_cpu_s", "fit_wall_s", "sample_cpu_s")


@dataclass(frozen=True, eq=False)
class Task:
    """One family, learning one data set, with one seed for the split and the family."""

    data: Dataset
    family: str
    seed: int

    @cached_property
    def identity(self) -> str:
        """Hash of all that its result depends on."""
        frame = self.data.frame
        digest = hashlib.sha256(f"{__version__} {self.family} {self.seed} {self.data.target} {TEST_SIZE}".encode())
        digest.update(f"{list(frame.columns)} {list(map(str, frame.dtypes))}".encode())
        digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        digest.update(np.unique(self.data.subjects, return_inverse=True)[1].tobytes())
        return digest.hexdigest()[:16]


def run_one(task: Task) -> dict:
    """Fit on three fifths of the people, draw as many records, and judge them by the others.

    Returns
    -------
    dict
        A row of the table. Where a family cannot learn the table, ``error`` says why, and nothing else is there.
    """
    told = {"dataset": task.data.name, "family": task.family, "seed": task.seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShdWarning)
        try:
            return {**told, **_measured(task)}
        except ShdError as error:
            return {**told, "error": str(error)}


def _measured(task: Task) -> dict:
    from shd.compare import ask, tstr
    from shd.compare.fidelity.c2st import judged

    train, holdout = task.data.split(TEST_SIZE, task.seed)
    begun, wall = time.process_time(), time.perf_counter()
    model = _family(task, train)(random_state=task.seed).fit(train)
    fitted, waited = time.process_time(), time.perf_counter()
    roles = {role: getattr(train, role) for role in ("target", "sensitive", "counts", "name")}
    rows = Dataset(model.sample(len(train)), source="synthetic", **roles)
    drawn = time.process_time()
    # what few people have is in no table that is compared
    train, holdout = (model.protection_.apply(side) for side in (train, holdout))
    judges = judged(holdout, rows, random_state=task.seed)
    how = {"holdout": holdout, "random_state": task.seed}
    useful = {"tstr": rows, "trtr": train} if task.data.target is not None else {}
    return {
        "class": type(model).__name__,
        "records": len(train),
        "columns": train.frame.shape[1],
        "c2st": max(judges.values()),
        **{name: _mean(tstr(side, holdout, target=train.target)) for name, side in useful.items()},
        "nearer": ask("distances to the closest records", train, rows, **how).score("DCR share").value,
        "membership": ask("membership inference", train, rows, **how).score("membership AUROC").value,
        "association error": ask("pairs of columns", train, rows, **how).score("association error").value,
        "copies": int(ask("verbatim copies", train, rows, **how).score("verbatim copies").value),
        "fit_cpu_s": fitted - begun,
        "fit_wall_s": waited - wall,
        "sample_cpu_s": drawn - fitted,
        **{f"c2st: {name}": value for name, value in judges.items()},
    }


def _family(task: Task, train: Dataset) -> type:
    from shd.synthesizers import choose_family, registry

    return registry[choose_family(train, random_state=task.seed).family if task.family == AUTO else task.family]


def _mean(levels: dict) -> float:
    known = [value for value in levels.values() if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def bench(
    data: Sequence[Dataset],
    families: Sequence[str],
    seeds: Sequence[int],
    folder: Path,
    jobs: int = 1,
    scheduler: str | None = None,
) -> pd.DataFrame:
    """Try every family on every data set with every seed, and keep each result in `folder`.

    Parameters
    ----------
    data : sequence of Dataset
        With a name each.
    families : sequence of str
        Names of families, or "auto".
    seeds : sequence of int
    folder : pathlib.Path
        Where results lie, a file each; what is there already is not done again.
    jobs : int
        Fits at once on this machine.
    scheduler : str, optional
        Address of a Dask cluster that does them instead.

    Returns
    -------
    pandas.DataFrame
        One row a fit, in the order of data sets, families and seeds; also in ``bench.csv`` of the folder.

    Raises
    ------
    ShdError
        Where two data sets have one name.
    """
    if twice := {one.name for one in data if [other.name for other in data].count(one.name) > 1}:
        raise ShdError(f"two data sets are called {', '.join(sorted(twice))}; rename one of the files.")
    tasks = [Task(one, family, seed) for one in data for family in families for seed in seeds]
    folder.mkdir(parents=True, exist_ok=True)
    places = {task: folder / f"{task.data.name}.{task.family}.{task.seed}.json" for task in tasks}
    left = [task for task in tasks if _read(places[task], task) is None]
    if len(left) < len(tasks):
        notice(f"{len(tasks) - len(left)} of {len(tasks)} fits are there already.")
    with progress(len(tasks), "bench") as bar:
        bar.advance(len(tasks) - len(left))
        for task, row in _on_cluster(left, scheduler) if scheduler else _here(left, jobs):
            part = places[task].with_suffix(".part")
            part.write_text(json.dumps({"identity": task.identity, **row}, indent=1) + "\n", encoding="utf-8")
            part.replace(places[task])
            said = row.get("error") or f"C2ST {row['c2st']:.3f}, {row['fit_cpu_s']:.0f} CPU s"
            bar.advance(note=f"{task.data.name} {task.family}: {said}")
            if in_lines():
                notice(f"{task.data.name} {task.family} {task.seed}: {said}")
    table = pd.DataFrame([_read(places[task], task) for task in tasks])
    table.to_csv(folder / "bench.csv", index=False)
    return table


def _read(place: Path, task: Task) -> dict | None:
    """Return a row that is there, and is of this very task."""
    if not place.is_file():
        return None
    try:
        row = json.loads(place.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return row if row.pop("identity", None) == task.identity else None


def _here(tasks: list[Task], jobs: int) -> Iterator[tuple[Task, dict]]:
    """Give results as they come, from so many processes."""
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            yield task, run_one(task)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        asked = {pool.submit(run_one, task): task for task in tasks}
        try:
            for future in as_completed(asked):
                yield asked[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _on_cluster(tasks: list[Task], scheduler: str) -> Iterator[tuple[Task, dict]]:
    """Give results as they come from a Dask cluster; what a lost worker had is done again."""
    from dask.distributed import Client
    from dask.distributed import as_completed as as_they_come

    with Client(scheduler, set_as_default=False) as client, client.as_current():
        asked = {client.submit(run_one, task, pure=False, retries=2): task for task in tasks}
        for future in as_they_come(list(asked)):
            yield asked[future], future.result()


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a family: mean rank of C2ST over data sets, and means of the others; the best first.

    `ShdError` where no family could learn any data set.
    """
    good = table[table["error"].isna()] if "error" in table else table
    if not len(good):
        raise ShdError("no family could learn any of the data sets; bench.csv says why.")
    mean = good.groupby(["dataset", "family"], sort=False)[[c for c in (*PLAIN, *SECONDS) if c in good]].mean()
    rank = mean["c2st"].groupby("dataset").rank()
    found = mean.groupby("family").mean().assign(rank=rank.groupby("family").mean())
    found["data sets"] = rank.groupby("family").size()
    first = ["rank", "data sets", "c2st", "nearer", "membership"]
    useful = [c for c in ("tstr", "trtr") if c in found]
    return found[[*first, *useful, "association error", "copies", "fit_cpu_s"]].sort_values("rank", kind="stable")


def draw(table: pd.DataFrame, file: Path) -> Path:
    """Draw fidelity, and how near records are to people learned from, against seconds; return the file."""
    import matplotlib.pyplot as plt

    found = summary(table)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for axis, name, said in zip(
        axes, ("c2st", "nearer"), ("C2ST, worst judge", "share nearer to people learned from"), strict=True
    ):
        axis.axhline(0.5, color="#888888", linestyle=":", linewidth=1)
        front = _front(found["fit_cpu_s"], found[name])
        axis.plot(found["fit_cpu_s"][front], found[name][front], color="#0072b2", linewidth=1)
        axis.scatter(
            found["fit_cpu_s"],
            found[name],
            color=["#0072b2" if f else "#d55e00" for f in found.index.isin(front)],
            zorder=3,
        )
        for family, row in found.iterrows():
            axis.annotate(family, (row["fit_cpu_s"], row[name]), (4, 4), textcoords="offset points", fontsize=8)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.margins(x=0.2)  # room for the names
        axis.set(xlabel="processor seconds of a fit, mean", ylabel=f"{said} (0.5 is best)")
    best, sets = found.index[0], int(found["data sets"].iloc[0])
    axes[0].set_title(f"{best} has the best mean rank on {sets} data set{'s' * (sets > 1)}", loc="left", fontsize=10)
    axes[1].set_title("blue: nothing is both quicker and better", loc="left", fontsize=10)
    figure.savefig(file, dpi=130)
    plt.close(figure)
    return file


def _front(seconds: pd.Series, value: pd.Series) -> list[str]:
    """Return the families that no other beats in both, from the quickest on (Pareto front)."""
    front, best = [], np.inf
    for family in seconds.sort_values(kind="stable").index:
        if (apart := abs(value[family] - 0.5)) < best:
            front.append(family)
            best = apart
    return front
