"""Kinds of release: exact small cases, what the card says, and a round trip through release and verification."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import shd
import shd.compare
from shd import Domain, Levels, Numbers, ShdError, cli
from shd.dataset import DataCard, Dataset
from shd.releases import generate, make_catalog, make_release, open_release, verify
from shd.releases.card_page import card_as_html, pages_of_card
from shd.releases.kind import DETAILED, LADDER, LOOSE, PLAUSIBLE, REPLICA, STRUCTURAL
from shd.releases.kinds import (
    KINDS,
    Augment,
    Fair,
    Full,
    Hybrid,
    Impute,
    Partial,
    Structural,
    _apportion,
    kind_of_card,
    make_kind,
)
from shd.releases.refusals import REAL_INSIDE
from shd.synthesizers import GaussianCopula, Marginals, MixtureCircuit, SequentialTrees

pytestmark = pytest.mark.filterwarnings("ignore::shd.ShdWarning")  # the tables are small, and meant to be
DOMAIN = Domain(
    {"sex": Levels(["f", "m"]), "dose": Numbers(0, 1, decimals=1, missing=True), "sick": Levels(["no", "yes"])}
)


def _table(n=240, seed=0) -> pd.DataFrame:
    """People of whom half of the women and a tenth of the men are sick; a fifth of the doses is missing."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n, p=[0.6, 0.4])
    return pd.DataFrame(
        {
            "sex": sex,
            "stays": rng.integers(0, 9, n),
            "dose": np.where(rng.random(n) < 0.2, np.nan, rng.normal(50, 9, n).round()),
            "sick": np.where(rng.random(n) < np.where(sex == "f", 0.5, 0.1), "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def stays() -> Dataset:
    """Eighty people with three stays each."""
    card = DataCard(title="Stays", licence="CC0 1.0")
    roles = {"target": "sick", "subjects": np.arange(240) // 3, "min_people": 1, "name": "stays", "card": card}
    return Dataset.from_frame(_table(), **roles)


@pytest.fixture(scope="module")
def filler(stays):
    return MixtureCircuit(kinds=4, passes=3).fit(stays)


@pytest.fixture(scope="module")
def trees(stays):
    return SequentialTrees(condition=("sick", "sex"), penalty=4).fit(stays)


# Exact cases ---------------------------------------------------------------------------------------


def test_partial_keeps_the_other_columns_and_replaces_the_chosen_ones(stays, filler):
    made = Partial(["dose"])(stays, filler)
    kept = ["sex", "stays", "sick"]
    pd.testing.assert_frame_equal(made.frame[kept], stays.frame[kept])
    assert made.source == "synthetic" and made.kind.name == "partial"
    assert (made.frame["dose"] != stays.frame["dose"]).mean() > 0.5
    assert (made.frame.dtypes == stays.frame.dtypes).all()
    assert (made.subjects == stays.subjects).all()  # so that a split by people can be made


def test_partial_knows_the_rest_of_the_record(filler):
    frame = pd.DataFrame({"sign": ["a", "b"] * 150, "mark": ["x", "y"] * 150, "other": ["p", "q", "r"] * 100})
    data = Dataset.from_frame(frame, min_people=1)
    made = Partial("mark")(data, MixtureCircuit(kinds=4, passes=20, prior=0.1))
    assert (made.frame["mark"] == frame["mark"]).mean() > 0.95


def test_partial_asks_other_families_for_what_stays(stays):
    made = Partial(["dose", "stays"])(stays, SequentialTrees(penalty=4))
    pd.testing.assert_frame_equal(made.frame[["sex", "sick"]], stays.frame[["sex", "sick"]])


@pytest.mark.parametrize(("share", "taken"), [(0.25, 1), (0.5, 2), (0.75, 3)])
def test_hybrid_takes_its_share_of_each_record_from_the_nearest_synthetic_one(share, taken):
    frame = pd.DataFrame({name: [0, 9] * 20 for name in "abcd"}).astype(str)
    data = Dataset.from_frame(frame, min_people=1)
    model = Marginals().fit(data)
    opposite = pd.DataFrame({name: ["9"] * 40 for name in "abcd"}).astype(model.sample(1).dtypes)
    model.sample = lambda n: opposite  # the nearest is then all nines for everybody
    made = Hybrid(share)(data, model)
    changed = (made.frame.astype(str) != frame).sum(axis=1)
    assert set(changed[::2]) == {taken} and set(changed[1::2]) == {0}
    assert (made.frame.astype(str) == "9").any().all()  # other columns in other records


def test_hybrid_pairs_with_the_nearest():
    from shd.synthesizers._neighbours import nearest

    assert nearest(np.array([[0.0], [5.0], [9.0]]), np.array([[8.0], [4.0], [1.0]])).tolist() == [2, 1, 0]


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_augment_reaches_its_share_with_the_fewest_records(stays, trees, share):
    made = Augment({"sick": "yes", "sex": "m"}, share=share)(stays, trees)
    new, old = made.frame[made.frame["synthetic"]], made.frame[~made.frame["synthetic"]]
    pd.testing.assert_frame_equal(old.drop(columns="synthetic"), stays.frame)
    assert (new["sick"] == "yes").all() and (new["sex"] == "m").all()
    inside = ((made.frame["sick"] == "yes") & (made.frame["sex"] == "m")).sum()
    assert inside / len(made) >= share > (inside - 1) / (len(made) - 1)
    assert len(np.unique(made.subjects)) == 80 + len(new)


def test_augment_adds_a_number(stays, trees):
    assert Augment({"sick": "yes"}, number=7)(stays, trees).frame["synthetic"].sum() == 7


@pytest.mark.parametrize("m", [1, 3])
def test_impute_keeps_what_is_known_and_leaves_no_gap(stays, filler, m):
    made = Impute(m)(stays, filler).frame
    known = stays.frame["dose"].notna().to_numpy()
    assert len(made) == m * 240 and not made.isna().any().any()
    doses = made["dose"].to_numpy().reshape(m, 240)
    assert (doses[:, known] == stays.frame["dose"][known].to_numpy()).all()
    others = [name for name in stays.frame if name != "dose"]
    pd.testing.assert_frame_equal(made[others], pd.concat([stays.frame[others]] * m, ignore_index=True))
    if m > 1:
        assert made["imputation"].tolist() == np.repeat([1, 2, 3], 240).tolist()
        assert (doses[0, ~known] != doses[1, ~known]).any()


def test_fair_makes_the_target_as_frequent_in_each_group(stays, trees):
    made = Fair("sex")(stays, trees).frame
    real = stays.frame
    assert made["sex"].value_counts().to_dict() == real["sex"].value_counts().to_dict()
    rate = (real["sick"] == "yes").mean()
    for _, group in made.groupby("sex", observed=True):
        assert abs((group["sick"] == "yes").sum() - rate * len(group)) <= 1
    gap = real.groupby("sex", observed=True)["sick"].agg(lambda sick: (sick == "yes").mean())
    assert gap["f"] - gap["m"] > 0.2  # which the original has


def test_shares_of_people_are_whole_numbers_of_them():
    assert _apportion(np.array([0.5, 0.3, 0.2]), 10).tolist() == [5, 3, 2]
    assert _apportion(np.array([1, 1, 1]) / 3, 10).tolist() == [4, 3, 3]
    assert _apportion(np.array([0.1, 0.9]), 1).tolist() == [0, 1]


class Sealed(Dataset):
    """A Dataset whose records cannot be read."""

    @property
    def frame(self):
        raise AssertionError("a record was read")

    @frame.setter
    def frame(self, value):
        raise AssertionError


def test_structural_reads_no_record():
    sealed = object.__new__(Sealed)
    for name, value in {"name": "stays", "card": DataCard(), "target": "sick", "sensitive": (), "counts": ()}.items():
        object.__setattr__(sealed, name, value)
    with pytest.raises(AssertionError, match="a record was read"):
        sealed.frame  # noqa: B018 - the seal holds
    made = Structural(DOMAIN, rows=4000)(sealed)
    assert made.target == "sick" and list(made.frame) == ["sex", "dose", "sick"]
    assert Structural(DOMAIN, rows=4000)().frame.equals(made.frame)
    doses = made.frame["dose"].value_counts(normalize=True)
    assert sorted(doses.index) == pytest.approx(np.arange(11) / 10)  # each tenth as often as any other
    assert doses.max() < 1.4 * doses.min()
    assert made.frame["dose"].isna().mean() == pytest.approx(0.1, abs=0.02)
    assert (made.frame["sex"] == "f").mean() == pytest.approx(0.5, abs=0.03)


def test_full_is_what_the_family_draws(stays, trees):
    pd.testing.assert_frame_equal(Full()(stays, trees).frame, trees.sample(240))


# What it says --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "family", "rung"),
    [
        (Full(), "Marginals", PLAUSIBLE),
        (Full(), "GaussianCopula", LOOSE),
        (Full(), "TabularCGAN", DETAILED),
        (Fair("sex"), "SequentialTrees", DETAILED),
        (Partial(["dose"]), "MixtureCircuit", REPLICA),
        (Hybrid(), "Marginals", REPLICA),
        (Augment({"sick": "yes"}, share=0.5), "SequentialTrees", REPLICA),
        (Impute(), "MixtureCircuit", REPLICA),
        (Structural(DOMAIN), "Structure", STRUCTURAL),
    ],
)
def test_each_kind_stands_on_a_rung_and_says_its_risk(kind, family, rung):
    told = kind.describe(family)
    assert told["rung"] == rung and told["risk"] == LADDER[rung]
    assert all(told[word] for word in ("name", "title", "what", "check"))
    again = kind_of_card({"kind": json.loads(json.dumps(told))})
    assert again == (None if kind == Full() else kind)


BAD = [
    (lambda d, t: Partial([]), "must name one column"),
    (lambda d, t: Partial(["dose", "dose"]), "each once"),
    (lambda d, t: Partial(["nope"])(d, "MixtureCircuit"), "no column 'nope'"),
    (lambda d, t: Partial(list(d.frame))(d, "MixtureCircuit"), "every column is named"),
    (lambda d, t: Partial(["dose"])(d, "Marginals"), "Marginals cannot be asked"),
    (lambda d, t: Partial(["dose"])(d, "nope"), "no family 'nope'"),
    (lambda d, t: Hybrid(0), "share=0 must be"),
    (lambda d, t: Hybrid(1.0), "share=1.0 must be"),
    (lambda d, t: Augment({}, share=0.5), "must say what is rare"),
    (lambda d, t: Augment("yes", share=0.5), "must say what is rare"),
    (lambda d, t: Augment({"sick": "yes"}), "one of them"),
    (lambda d, t: Augment({"sick": "yes"}, share=0.5, number=3), "one of them"),
    (lambda d, t: Augment({"sick": "yes"}, number=0), "number=0 must be"),
    (lambda d, t: Augment({"sick": "yes"}, share=True), "share=True must be"),
    (lambda d, t: Augment({"sick": "yes"}, share=0.01)(d, t), "of that group already"),
    (lambda d, t: Augment({"sick": "perhaps"}, share=0.5)(d, t), "no level 'perhaps'"),
    (lambda d, t: Augment({"sick": "yes"}, share=0.5)(d, "Marginals"), "cannot be asked"),
    (lambda d, t: Augment({"ward": "a"}, share=0.5)(d, "SequentialTrees"), "no column 'ward'"),
    (lambda d, t: Augment({"sick": "yes"}, 0.9)(replace(d, frame=d.frame.assign(synthetic=1)), t), "rename it"),
    (lambda d, t: Impute(0), "imputations=0 must be"),
    (lambda d, t: Impute()(d, "SequentialTrees"), "cannot fill in"),
    (lambda d, t: Impute()(replace(d, frame=d.frame.drop(columns="dose")), "MixtureCircuit"), "nothing to fill in"),
    (lambda d, t: Impute()(replace(d, frame=d.frame.assign(dose=np.nan)), "MixtureCircuit"), "nothing is known in"),
    (lambda d, t: Fair("nope")(d, "SequentialTrees"), "no column 'nope'"),
    (lambda d, t: Fair("sick")(d, t), "is the target"),
    (lambda d, t: Fair("sex")(replace(d, target=None), t), "no target is named"),
    (lambda d, t: Structural(Domain({})), "domain must say"),
    (lambda d, t: Structural(DOMAIN, rows=0), "rows=0 must be"),
    (lambda d, t: Structural(Domain({"x": Numbers(0, 1)})).adapt(Marginals(), d), "no column 'x'"),
    (lambda d, t: make_kind("nope"), "known are full, partial"),
    (lambda d, t: make_kind("full", share=0.5), "takes no share"),
    (lambda d, t: make_kind("fair"), "needs protect"),
    (lambda d, t: generate(d, t, kind=Hybrid(), keep_rules=True), "keeps no rules"),
]


@pytest.mark.parametrize(("act", "said"), BAD)
def test_what_cannot_be_is_said(stays, trees, act, said):
    with pytest.raises(ShdError, match=said):
        act(stays, trees)


# Releases ------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch, stub_report):
    """Let comparisons cost nothing: what is compared is the business of other tests."""
    report = stub_report(privacy="red")
    monkeypatch.setattr(sys.modules["shd.compare"], "compare", lambda *_, **__: report)
    module = sys.modules["shd.releases.verify"]
    for name in ("check_scores", "_check_verdicts", "_check_columns"):
        monkeypatch.setattr(module, name, lambda *_: iter(()))
    monkeypatch.setattr(module, "_measure", lambda *_: report)


RELEASED = {
    "partial": (Partial(["dose"]), lambda: MixtureCircuit(kinds=4, passes=3)),
    "hybrid": (Hybrid(0.5), GaussianCopula),
    "augment": (Augment({"sick": "yes"}, share=0.6), lambda: SequentialTrees(penalty=4)),
    "impute": (Impute(2), lambda: MixtureCircuit(kinds=4, passes=3)),
}


@pytest.mark.parametrize("name", RELEASED)
def test_a_release_with_real_values_is_marked_and_can_be_made_again(stays, tmp_path, quick, name):
    kind, family = RELEASED[name]
    made = vars(generate(stays, family(), kind=kind))
    with pytest.raises(ShdError, match=f"kind {name} keeps values of single people.*--force-red"):
        make_release(tmp_path / "out", **made)
    release = make_release(tmp_path / "out", **made, force_red=True)
    card = open_release(release.folder).card
    assert release.folder.name == "out-RED-not-to-be-handed-on"
    assert card["mark"] == REAL_INSIDE == card["use"]["may_not"][0] and "safe setting" in card["use"]["may"][0]
    assert "with real values inside" in card["title"] and card["kind"]["rung"] == REPLICA
    assert pages_of_card(card)["README.md"].splitlines()[2] == f"> **{REAL_INSIDE}**"
    assert REAL_INSIDE in (release.folder / "report.html").read_text(encoding="utf-8").split("<p>report</p>")[0]
    assert json.loads(pages_of_card(card)["croissant.json"])["description"].startswith(REAL_INSIDE)
    (listed,) = make_catalog(tmp_path, tmp_path / "site", with_data=True).to_dict()["broken"]
    assert "safe setting" in listed["reason"] and not (tmp_path / "site" / release.folder.name).exists()
    page = card_as_html(card)
    assert page.index(REAL_INSIDE) < page.index(kind.what) < page.index("replica") and kind.check in page
    found = {claim.what: claim for claim in verify(release, stays).claims}
    assert found["records of the model"].agrees == "yes" and found["checksums"].agrees == "yes"
    forged = replace(kind, share=0.75) if name == "hybrid" else None
    if forged:
        release.card["kind"]["settings"] = forged.settings
        (other,) = [claim for claim in verify(release, stays).claims if claim.what == "records of the model"]
        assert other.agrees != "yes"


def test_a_fair_release_is_refused_where_privacy_is_red(stays, tmp_path, quick):
    made = generate(stays, SequentialTrees(penalty=4), kind=Fair("sex"))
    with pytest.raises(ShdError, match="privacy is red"):
        make_release(tmp_path / "out", **vars(made))


def test_a_structural_release_has_no_model_and_is_made_again_without_one(stays, tmp_path, quick, stub_report):
    domain = DOMAIN | Domain({"sick": Levels(["no", "yes", "never seen"])})
    made = generate(stays, Marginals(random_state=3), kind=Structural(domain, rows=50))
    release = make_release(tmp_path / "out", **{**vars(made), "report": stub_report()})
    assert not (release.folder / "model.safetensors").exists() and "mark" not in release.card
    assert "nothing was learned" in card_as_html(release.card) + pages_of_card(release.card)["README.md"]
    found = {claim.what: claim.agrees for claim in verify(release, stays).claims}
    assert found["records of the model"] == "yes"


# The command line ----------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _table().assign(patient=np.arange(240) // 3).to_csv("stays.csv", index=False)
    columns = {"sex": {"levels": ["f", "m"]}, "stays": {"low": 0, "high": 20}, "sick": {"levels": ["no", "yes"]}}
    (tmp_path / "domain.json").write_text(json.dumps(columns))
    return tmp_path


GENERATE = "generate stays.csv -o out --target sick --subject patient --licence CC0 ".split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "folder", "mark"),
    [
        ("--kind partial --columns dose --force-red", "out-RED-not-to-be-handed-on", REAL_INSIDE),
        ("--kind structural --domain domain.json", "out", None),
    ],
)
def test_two_kinds_go_through_the_command_line_and_hold(here, capsys, options, folder, mark):
    assert cli.main([*GENERATE, *options.split()]) == 0
    assert json.loads((here / folder / "card.json").read_text()).get("mark") == mark
    assert cli.main(f"verify {folder} --real stays.csv --subject patient".split()) == 0
    assert f"Holds: {folder}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--kind nope", "there is no kind of release 'nope'"),
        ("--kind partial --columns dose", "kind partial keeps values of single people"),
        ("--kind partial", "needs columns: --columns"),
        ("--columns dose", "kind 'full' takes no columns"),
        ("--kind augment --level sick --share .5", "write COLUMN=LEVEL"),
        ("--kind structural --domain nope.json", "nope.json: cannot be read"),
        ("--kind structural --domain stays.csv", "stays.csv: declares no columns"),
    ],
)
def test_the_command_line_says_what_a_kind_needs(here, capsys, options, said):
    assert cli.main([*GENERATE, *options.split()]) == 2
    assert said in capsys.readouterr().err


def test_every_kind_is_on_the_page_and_the_command_line():
    text = shd._options.Kind.__metadata__[0].help
    assert all(name in text for name in KINDS)


def test_the_code_of_the_page_runs():
    text = (Path(__file__).parents[2] / "docs" / "kinds.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code.replace("range(3000)", "range(400)"), "kinds.md", "exec"), {})
    assert all(f"| `{name}` |" in text for name in KINDS)
