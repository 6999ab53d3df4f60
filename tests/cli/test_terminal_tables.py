"""Tables as a terminal shows them."""

import sys

import pandas as pd

import shd.datasets
from shd import _terminal
from shd._terminal import in_columns
from shd.cli import main


def test_columns_are_as_wide_as_their_longest_cell():
    lines = in_columns([("name", "real"), ("a_data_set_with_a_long_name", "no"), ("b", "yes")])
    assert lines == [
        "name                         real",
        "a_data_set_with_a_long_name  no",
        "b                            yes",
    ]


def test_data_sets_with_long_names_stand_apart_from_what_is_said_of_them(monkeypatch, capsys):
    row = {"real": False, "stand_in": True, "synthetic": True, "licence": "CC0 1.0", "where": "somewhere"}
    names = ["diabetes_cohort", "a_cohort_with_a_name_of_forty_characters"]
    monkeypatch.setattr(shd.datasets, "list_datasets", lambda: pd.DataFrame([{"name": n, **row} for n in names]))
    assert main(["data", "list"]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:4] for line in shown[1:3]] == [[name, "no", "yes", "yes"] for name in names]


def test_terminals_get_long_lines_broken_between_words_and_files_get_them_whole(capsys, monkeypatch):
    text = f"fidelity   {'amber ' * 20}\n\nReport: {'x' * 90}"
    _terminal.emit({}, False, text)
    assert capsys.readouterr().out == text + "\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    _terminal.emit({}, False, text)
    first, *more, empty, last = capsys.readouterr().out.splitlines()
    assert len(first) <= 40
    assert all(line.startswith(" " * 11 + "amber") for line in more)
    assert (empty, last) == ("", f"Report: {'x' * 90}")
