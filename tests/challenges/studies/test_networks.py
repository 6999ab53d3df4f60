from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import studies
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from scipy.stats import hypergeom
from studies.networks import TOGETHER, match_links
from studies.variables import to_chapter

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.datasets.diabetes_cohort import titles
from shd.plot import PALETTE

CODES = ["250", "428", "427", "486", "585", "401", "414", "599"]


def records(n: int, seed: int, linked: bool = False) -> pd.DataFrame:
    """Three different diagnoses each, of eight; where `linked`, 428 brings 427 along in half of its records."""
    rng = np.random.default_rng(seed)
    places = np.array([rng.permutation(CODES)[:3] for _ in range(n)])
    if linked:
        hit = (places[:, 0] == "428") & ~(places == "427").any(axis=1) & (rng.random(n) < 0.9)
        places[hit, 1] = "427"
    return pd.DataFrame(places, columns=["diag_1", "diag_2", "diag_3"]).astype("category")


def links(network: pd.DataFrame) -> set[frozenset]:
    own = network[network["link"] == TOGETHER]
    return {frozenset(pair) for pair in own[["first", "second"]].to_numpy()}


def test_counts_by_hand():
    places = [("250", "428", "401")] * 30 + [("250", "428", "585")] * 30 + [("486", "414", "401")] * 40
    network = studies.comorbidity_network(pd.DataFrame(places, columns=["diag_1", "diag_2", "diag_3"]), least=1)
    row = network.set_index(["first", "second"]).loc[("250", "428")]
    assert (row["records"], row["first records"], row["second records"]) == (60, 60, 60)
    assert row["lift"] == pytest.approx(row["records"] / row["expected"]) and row["low"] < row["lift"] < row["high"]
    assert row["link"] == TOGETHER
    assert network.set_index(["first", "second"]).loc[("250", "486"), "records"] == 0


def test_three_random_places_hold_no_link():
    found = [links(studies.comorbidity_network(records(1500, seed))) for seed in range(8)]
    assert sum(map(len, found)) <= 1  # of 8 x 28 pairs


def test_places_filled_on_their_own_hold_no_link_whatever_they_repeat():
    # a common diagnosis often repeats, and places differ in what is common there
    rng = np.random.default_rng(0)
    common = np.array([[9, 4, 2, 1], [4, 8, 2, 2], [6, 3, 6, 1]]) / 16
    levels = ["circulatory", "respiratory", "digestive", "skin"]
    bias = []
    for _ in range(30):
        places = {f"diag_{i + 1}": rng.choice(levels, 3000, p=shares) for i, shares in enumerate(common)}
        network = studies.comorbidity_network(pd.DataFrame(places), least=1)
        assert network["records"].sum() == pytest.approx(network["expected"].sum())
        bias.append((network["records"] - network["expected"]) / np.sqrt(network["expected"]))
        assert (network["q"] > 0.001).all()
    assert np.abs(np.mean(bias, axis=0)).max() < 0.3  # of 30 draws, each with a deviation of 0.4 at most


def test_empty_places_are_no_weaker_link():
    frame = records(2000, 5).astype("object")
    frame.loc[:999, "diag_3"] = None
    assert not links(studies.comorbidity_network(frame))


def test_a_planted_link_is_found_and_a_shuffled_column_loses_it():
    frame = records(1500, 0, linked=True)
    assert frozenset(("427", "428")) in links(studies.comorbidity_network(frame))
    shuffled = frame.assign(diag_2=np.random.default_rng(0).permutation(frame["diag_2"]))
    assert frozenset(("427", "428")) not in links(studies.comorbidity_network(shuffled))


def test_kept_lost_and_invented():
    linked, free = records(2000, 0, linked=True), records(2000, 1)
    status = {}
    for name, pair in {
        "kept": (linked, records(2000, 2, True)),
        "lost": (linked, free),
        "invented": (free, linked),
    }.items():
        found = studies.compare_networks(*pair)
        row = found.links.set_index(["first", "second"])["status"]
        status[name] = row.get(("427", "428"), row.get(("428", "427")))
        together = found.summary.set_index("link").loc[TOGETHER]
        assert together["real links"] == together["kept"] + together["lost"]
    assert status == {name: name for name in status}


def test_the_same_table_keeps_everything():
    frame = records(1000, 0, linked=True)
    found = studies.compare_networks(frame, frame)
    assert set(found.links["status"]) == {"kept"}
    assert set(match_links(found.real, found.real)["status"]) == {"kept"}


def test_tables_are_cut_to_the_same_number_by_subject_and_seed():
    big, small = records(900, 0, linked=True), records(300, 1, linked=True)
    found, again = (studies.compare_networks(big, small, records=300, least=5, random_state=4) for _ in range(2))
    assert found.records == 300 and found.real.equals(again.real)
    twice = Dataset(pd.concat([small, small]), subjects=np.tile(np.arange(300), 2))
    assert studies.comorbidity_network(twice, least=5).equals(studies.comorbidity_network(small, least=5))


def test_chapters_of_codes(study):
    network = studies.comorbidity_network(study(2000, 0), by="chapter")
    assert {"circulatory", "respiratory"} <= set(network["first"]) | set(network["second"])


def drugs(n: int, seed: int) -> pd.DataFrame:
    """Metformin and glipizide together, insulin on its own; nobody takes acarbose."""
    rng = np.random.default_rng(seed)
    metformin = rng.random(n) < 0.4
    taken = {
        "metformin": metformin,
        "glipizide": rng.random(n) < np.where(metformin, 0.7, 0.2),
        "insulin": rng.random(n) < 0.5,
        "acarbose": np.zeros(n, dtype=bool),
    }
    doses = ["No", "Steady", "Up", "Down"]
    frame = pd.DataFrame({name: pd.Categorical(np.where(yes, "Steady", "No"), doses) for name, yes in taken.items()})
    return frame.assign(diabetesMed=np.where(frame.ne("No").any(axis=1), "Yes", "No"))


def test_medicines_prescribed_together():
    frame = drugs(2000, 0)
    network = studies.prescription_network(frame).set_index(["first", "second"])
    among = frame[["metformin", "glipizide", "insulin"]].ne("No").any(axis=1)
    both = (frame["metformin"].ne("No") & frame["glipizide"].ne("No")).sum()
    pair = ("metformin", "glipizide") if ("metformin", "glipizide") in network.index else ("glipizide", "metformin")
    assert network.loc[pair, "records"] == both and network.loc[pair, "link"] == TOGETHER
    assert network.loc[pair, "first records"] <= among.sum()
    assert not any("acarbose" in index for index in network.index)


@pytest.mark.parametrize(
    ("frame", "says"),
    [(pd.DataFrame({"a": ["x"]}), "diag_1"), (pd.DataFrame({"diag_1": ["250"], "diag_2": ["428"]}), "diag_3")],
)
def test_tables_without_diagnoses_are_refused(frame, says):
    with pytest.raises(ShdError, match=says):
        studies.comorbidity_network(frame)


def test_drugs_taken_on_their_own_hold_no_link():
    # whoever takes none is not seen, which alone would make any two look apart
    rng = np.random.default_rng(0)
    for _ in range(20):
        taken = rng.random((2000, 5)) < [0.6, 0.3, 0.2, 0.1, 0.1]
        frame = pd.DataFrame(np.where(taken, "Up", "No"), columns=list("abcde"))
        frame["diabetesMed"] = np.where(taken.any(axis=1), "Yes", "No")
        assert (studies.prescription_network(frame)["q"] > 0.001).all()


def test_tables_with_nothing_to_link_are_refused():
    one_each = pd.DataFrame({"diag_1": ["250"], "diag_2": ["250"], "diag_3": [None]})
    with pytest.raises(ShdError, match="two different diagnoses"):
        studies.comorbidity_network(one_each)
    with pytest.raises(ShdError, match="no patient takes"):
        studies.prescription_network(pd.DataFrame({"insulin": ["No"], "metformin": ["No"], "diabetesMed": ["Yes"]}))
    with pytest.raises(ShdError, match="at least 2"):
        studies.compare_networks(records(50, 0), records(50, 1), records=1)


def test_one_drug_each_is_no_network():
    frame = pd.DataFrame({"a": ["Up", "No"] * 60, "b": ["No", "Up"] * 60, "diabetesMed": "Yes"})
    (row,) = studies.prescription_network(frame).itertuples()
    assert (row.records, row.expected, row.link) == (0, 0, "no link")


def test_unknown_ways_are_refused():
    with pytest.raises(ShdError, match="by="):
        studies.comorbidity_network(records(10, 0), by="letter")
    with pytest.raises(ShdError):
        studies.prescription_network(records(10, 0))


def test_the_layout_is_the_same_each_time_and_no_label_covers_another():
    edges = studies.comorbidity_network(records(1500, 0, linked=True))
    first, again = studies.layout(edges, seed=1), studies.layout(edges, seed=1)
    assert first.equals(again) and {"428", "427"} <= set(first["node"])
    assert not covered(first)


def covered(places: pd.DataFrame) -> list[tuple]:
    """Pairs of nodes whose boxes, of node and label, overlap."""
    middle = places["y"] + places["radius"] + 0.02 - places["height"] / 2
    boxes = list(zip(places["node"], places["x"], middle, places["width"], places["height"], strict=True))
    return [
        (one[0], other[0])
        for one, other in combinations(boxes, 2)
        if abs(one[1] - other[1]) < (one[3] + other[3]) / 2 and abs(one[2] - other[2]) < (one[4] + other[4]) / 2
    ]


@pytest.mark.parametrize("seed", range(2))
def test_as_many_labels_as_can_be_read_find_room(seed):
    # the longest titles there are, in a chain, all as common as any: nodes that find no room are left out
    codes = sorted(titles(), key=lambda code: len(titles()[code]))[-25:]
    chain = pd.DataFrame({"first": codes[:-1], "second": codes[1:], "link": TOGETHER, "p": 0.0})
    chain[["records", "expected", "first records", "second records"]] = [100, 10, 500, 500]
    places = studies.layout(chain, seed=seed)
    assert 15 <= len(places) <= 25 and not covered(places)
    bottom = places["y"] + places["radius"] + 0.02 - places["height"]
    assert places["x"].between(0, 5.3).all() and places["y"].between(0, 5.4).all() and bottom.min() > -0.01


@pytest.mark.parametrize("most", [1, 26])
def test_a_layout_of_too_few_or_too_many(most):
    with pytest.raises(ShdError, match=f"most={most}"):
        studies.layout(studies.comorbidity_network(records(1500, 0, linked=True)), most=most)


def test_a_network_without_a_link_cannot_be_drawn():
    edges = studies.comorbidity_network(records(1500, 0))
    with pytest.raises(ShdError, match="nothing to draw"):
        studies.layout(edges.assign(link="no link"))


def test_the_figure_tells_the_finding():
    linked, free = records(1500, 0, linked=True), records(1500, 1)
    found = studies.compare_networks(linked, free)
    figure = studies.plot_networks(found.real, found.other, "stand-in")
    said = " ".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))
    assert "0 of 1 link" in said and "stand-in" in said and "heart" in said


def by_hand() -> pd.DataFrame:
    """Two places that hold no level in common, so that chance is rows times columns over 100; 30, 30, 20 and 20."""
    pairs = [("250", "428")] * 45 + [("250", "401")] * 15 + [("486", "428")] * 5 + [("486", "401")] * 35
    return pd.DataFrame(pairs, columns=["diag_1", "diag_2"]).assign(diag_3=None)


def test_lift_and_p_by_hand():
    network = studies.comorbidity_network(by_hand(), least=1)
    lift = {frozenset(pair): value for *pair, value in network[["first", "second", "lift"]].to_numpy()}
    known = {("250", "428"): 1.5, ("250", "401"): 0.5, ("428", "486"): 0.25, ("401", "486"): 1.75}
    assert {pair: lift[frozenset(pair)] for pair in known} == pytest.approx(known)
    # fixed margins: the count is hypergeometric, and a Poisson count of mean 30 would vary twice as much
    fair = [("250", "428")] * 34 + [("250", "401")] * 26 + [("486", "428")] * 16 + [("486", "401")] * 24
    frame = pd.DataFrame(fair, columns=["diag_1", "diag_2"]).assign(diag_3=None)
    row = studies.comorbidity_network(frame, least=1).set_index(["first", "second"]).loc[("250", "428")]
    assert row["p"] == pytest.approx(2 * hypergeom.sf(33, 100, 60, 50), abs=0.03)


def test_q_is_that_of_benjamini_and_hochberg():
    network = studies.comorbidity_network(records(1500, 0, linked=True)).sort_values("p", ascending=False)
    rank = np.arange(len(network), 0, -1)
    assert network["q"].to_numpy() == pytest.approx(np.minimum.accumulate(network["p"] * len(network) / rank))


def test_what_keeps_apart_is_no_link_together():
    found = studies.compare_networks(by_hand(), by_hand(), least=1)
    link = {frozenset(pair): value for *pair, value in found.real[["first", "second", "link"]].to_numpy()}
    assert (link[frozenset(("250", "401"))], link[frozenset(("250", "428"))]) == ("apart", TOGETHER)
    assert found.summary.set_index("link")["kept"].to_dict() == {TOGETHER: 2, "apart": 2}


def test_rare_diagnoses_are_not_looked_at():
    frame = records(1500, 0).astype("object")
    frame.loc[:9, "diag_1"] = "038"
    seen = {least: set(studies.comorbidity_network(frame, least=least)["first"]) for least in (10, 11)}
    assert "038" in seen[10] and "038" not in seen[11]


def test_both_tables_are_cut():
    found = studies.compare_networks(records(900, 0), records(300, 1), least=1)
    assert [side["records"].sum() for side in (found.real, found.other)] == [900, 900]  # three pairs a record


def test_a_link_between_diagnoses_that_real_records_lack_is_invented():
    real, other = records(1500, 1), records(1500, 1).astype("object")
    other.loc[:399, ["diag_1", "diag_2"]] = ["038", "296"]
    links_of = studies.compare_networks(real, other).links.set_index(["first", "second"])
    assert links_of.loc[("038", "296"), "status"] == "invented"


def test_a_link_is_the_same_from_either_end():
    edges = studies.comorbidity_network(records(1500, 0, linked=True))
    turned = edges.rename(columns={"first": "second", "second": "first"})
    assert set(match_links(edges, turned)["status"]) == {"kept"}


def test_who_takes_no_drug_by_the_summary_is_left_out():
    frame = drugs(500, 0)
    extra = frame.assign(metformin="Steady", glipizide="Steady", diabetesMed="No")
    assert studies.prescription_network(pd.concat([frame, extra])).equals(studies.prescription_network(frame))


def test_two_drugs_by_hand():
    # of 400 patients each drug is taken by half, and the hundred who take neither are not seen
    frame = pd.DataFrame({"a": ["Up"] * 200 + ["No"] * 100, "b": ["Down"] * 100 + ["No"] * 100 + ["Up"] * 100})
    (row,) = studies.prescription_network(frame.assign(diabetesMed="Yes")).itertuples()
    assert (row.records, row.link) == (100, "no link") and row.lift == pytest.approx(1)


def test_one_record_has_no_link(study):
    one = study(1, 0)
    assert len(studies.comorbidity_network(one)) == 0
    assert not links(studies.comorbidity_network(one, least=1))
    with pytest.raises(ShdError, match="at least 2"):
        studies.compare_networks(one, one)


def test_stays_with_chapters(challenge):
    network = studies.comorbidity_network(challenge(1000, 0))
    assert "circulatory" in set(network["first"]) and network["first records"].max() <= 500  # two stays a patient


def lines_in(axes) -> list[tuple]:
    """Colour of each line of a network, and whether it is dashed."""
    drawn = axes.findobj(LineCollection)
    return [(tuple(lines.get_color()[0][:3]), lines.get_linestyle()[0][1] is not None)
            for lines in drawn for _ in lines.get_segments()]  # fmt: skip


def test_each_kind_of_link_looks_its_own():
    columns = ["first", "second", "records", "expected", "p", "link", "first records", "second records"]
    both = [("250", "428", 90, 30, 0.0, TOGETHER, 200, 200)]
    real = pd.DataFrame([*both, ("486", "496", 90, 30, 0.0, TOGETHER, 200, 200)], columns=columns)
    other = pd.DataFrame([*both, ("250", "486", 90, 30, 0.0, TOGETHER, 200, 200)], columns=columns)
    figure = studies.plot_networks(real, other, "real", "stand-in")
    title = max(figure.texts, key=lambda text: text.get_fontsize()).get_text()
    assert title == "1 of 2 links between diagnoses survive, 1 is invented"
    left, right = (lines_in(axes) for axes in figure.axes)
    kept = (to_rgb("#4d4d4d"), False)
    assert set(left) == {kept}
    assert set(right) == {kept, (to_rgb(PALETTE["floor"]), True), (to_rgb(PALETTE["stand-in"]), True)}
    alone = studies.plot_networks(real, real, "real", "stand-in")
    assert left == lines_in(alone.axes[0])  # nothing invented among the real ones
    with pytest.raises(ShdError, match="nothing to draw"):  # the layout is that of the real network
        studies.plot_networks(real.assign(link="no link"), other)


def test_a_level_that_rare_codes_were_merged_into_is_a_chapter_of_its_own():
    assert to_chapter("other") == "other"
    assert to_chapter("other circulatory") == "circulatory"
