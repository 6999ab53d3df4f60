"""`shd bench`: one row a fit, nothing done twice, the same table however it was made."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
import pytest

import shd
from shd import bench as module
from shd._errors import ShdError
from shd.bench import PLAIN, bench, draw, summary
from shd.cli import main

FAMILIES = ("Marginals", "GaussianCopula")


def clinic(n=160, seed=0, name="clinic"):
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 90, n)
    sick = np.where(rng.random(n) < (age - 10) / 100, "yes", "no")
    frame = pd.DataFrame({"age": age, "sick": pd.Categorical(sick), "dose": age / 10 + rng.normal(0, 1, n)})
    return shd.Dataset(frame, target="sick", name=name)


def plain(table):
    """Return what does not depend on the machine."""
    judges = [column for column in table if column.startswith("c2st: ")]
    return table[["dataset", "family", "seed", "class", *PLAIN, *judges]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return bench([clinic(), clinic(seed=1, name="other")], FAMILIES, [0, 1], tmp_path_factory.mktemp("whole"))


def test_a_row_a_fit_with_every_measure(whole):
    assert len(whole) == 8 and whole[["dataset", "family", "seed"]].drop_duplicates().shape == (8, 3)
    judges = whole[[column for column in whole if column.startswith("c2st: ")]]
    assert judges.shape[1] == 3 and (judges.max(axis=1) == whole["c2st"]).all()
    assert whole["records"].eq(96).all() and whole["columns"].eq(3).all()
    assert whole[["c2st", "tstr", "trtr", "nearer", "membership"]].apply(lambda c: c.between(0, 1)).all().all()
    assert (whole[["fit_cpu_s", "fit_wall_s"]] > 0).all().all()


def test_links_between_columns_show(whole):
    apart = whole.groupby("family")["c2st"].mean()
    assert apart["Marginals"] > apart["GaussianCopula"] + 0.1
    assert summary(whole).index[0] == "GaussianCopula"


def test_a_bench_that_was_stopped_gives_the_same_table(whole, tmp_path, monkeypatch):
    data, done = [clinic()], []
    run_one = module.run_one

    def stops(task):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(task)
        return run_one(task)

    monkeypatch.setattr(module, "run_one", stops)
    with pytest.raises(KeyboardInterrupt):
        bench(data, FAMILIES, [0, 1], tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 2
    monkeypatch.setattr(module, "run_one", lambda task: done.append(task) or run_one(task))
    again = bench(data, FAMILIES, [0, 1], tmp_path)
    assert len(done) == 4  # nothing was done twice
    pd.testing.assert_frame_equal(plain(again), plain(whole[whole["dataset"] == "clinic"]))
    pd.testing.assert_frame_equal(plain(pd.read_csv(tmp_path / "bench.csv")), plain(again))


def test_what_is_there_of_other_data_is_done_again(tmp_path, monkeypatch):
    bench([clinic()], ["Marginals"], [0], tmp_path)
    run_one, done = module.run_one, []
    monkeypatch.setattr(module, "run_one", lambda task: done.append(task) or run_one(task))
    bench([clinic()], ["Marginals"], [0], tmp_path)
    assert not done
    bench([clinic(seed=3)], ["Marginals"], [0], tmp_path)
    assert len(done) == 1
    next(tmp_path.glob("*.json")).write_text("{ half of a")
    bench([clinic(seed=3)], ["Marginals"], [0], tmp_path)
    assert len(done) == 2


@pytest.mark.slow
def test_two_processes_and_two_dask_workers_give_the_same_table(tmp_path):
    distributed = pytest.importorskip("dask.distributed", reason="needs the extra 'cluster'")
    data = [clinic(), clinic(seed=1, name="other")]
    # one after another, in a process apart: in this one models are small
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        whole = pool.submit(bench, data, FAMILIES, [0, 1], tmp_path / "one").result()
    pd.testing.assert_frame_equal(plain(bench(data, FAMILIES, [0, 1], tmp_path / "two", jobs=2)), plain(whole))
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        table = bench(data, FAMILIES, [0, 1], tmp_path / "dask", scheduler=cluster.scheduler_address)
    pd.testing.assert_frame_equal(plain(table), plain(whole))


def test_a_family_that_cannot_learn_a_table_costs_no_other(tmp_path):
    table = bench([clinic()], ["ImageCGAN", "Marginals"], [0], tmp_path)
    assert isinstance(table["error"][0], str) and table["c2st"].notna().tolist() == [False, True]
    assert summary(table).index.tolist() == ["Marginals"]
    with pytest.raises(ShdError, match="no family could learn"):
        summary(table.iloc[:1])


def test_the_figure(whole, tmp_path):
    assert draw(whole, tmp_path / "bench.png").stat().st_size > 10_000


def test_nothing_that_is_both_quicker_and_better():
    seconds = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0})
    assert module._front(seconds, pd.Series({"a": 0.9, "b": 0.95, "c": 0.55, "d": 0.48})) == ["a", "c", "d"]


def test_the_command(tmp_path, capsys):
    file = tmp_path / "clinic.csv"
    clinic().frame.to_csv(file, index=False)
    told = ["bench", "--datasets", str(file), "--target", "sick", "--families", "marginals,auto", "--seeds", "0"]
    assert main([*told, "-o", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {line["family"] for line in found["lines"]} == {"Marginals", "auto"} and len(found["summary"]) == 2
    assert (tmp_path / "out" / "bench.png").is_file()
    assert main([*told, "-o", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("bench.png")
    assert main(["bench", "--list"]) == 0
    assert "SequentialTrees" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([], "give --datasets"),
        (["--datasets", "nowhere.csv"], "nowhere.csv"),
        (["--datasets", "diabetes", "--families", "CTGANs"], "no family 'CTGANs'"),
        (["--datasets", "diabetes", "--seeds", "0,0"], "--seeds 0,0"),
        (["--datasets", "diabetes", "--seeds", "one"], "--seeds one"),
        (["--datasets", "alzheimers"], "give tables"),
    ],
)
def test_bad_input_is_one_line(told, said, capsys, tmp_path):
    assert main(["bench", *told, "-o", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1] and len(lines) <= 2


def test_two_files_of_one_name_are_told(tmp_path):
    with pytest.raises(ShdError, match="two data sets are called clinic"):
        bench([clinic(), clinic(seed=1)], ["Marginals"], [0], tmp_path)
