"""What is not what a function asks for is refused in one line that says what to give."""

import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import domain
from shd.dataset import Dataset

OF_A_DATASET = (domain.estimates, domain.group_sizes, domain.crude_odds_ratios, domain.adjusted_model)


@pytest.mark.parametrize("function", OF_A_DATASET, ids=lambda f: f.__name__)
@pytest.mark.parametrize("given", [None, "diabetes_cohort", pd.DataFrame({"a": [1]})], ids=["none", "text", "frame"])
def test_what_goes_by_the_name_of_a_data_set_takes_a_dataset(function, given):
    with pytest.raises(ShdError, match=r"asked of a Dataset, not of a \w+: shd.Dataset\(frame, name="):
        function(given)


def test_replicate_takes_datasets_and_a_whole_number_of_records(study):
    table = study(100)
    for given in (table.frame, None):
        with pytest.raises(ShdError, match="asked of a Dataset"):
            domain.replicate(given, table)
        with pytest.raises(ShdError, match="asked of a Dataset"):
            domain.replicate(table, given, records=10)
    for records in (0, -5, "all", 1.5):
        with pytest.raises(ShdError, match="is no whole number from 1 on; leave it out"):
            domain.replicate(table, table, records=records)


def test_a_rate_is_taken_of_what_replicate_returns():
    with pytest.raises(ShdError, match=r"give what replicate\(\) returns"):
        domain.replication_rate(pd.DataFrame({"a": [1]}))


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("subgroups", lambda t: domain.subgroup_effects(t, subgroups="sex")),
        ("terms", lambda t: domain.discharge_hazards(t, terms="sex")),
        ("terms", lambda t: domain.visit_rates(t, terms="sex")),
        ("adjust", lambda t: domain.contrast(t, t, adjust="sex")),
        ("adjust", lambda t: domain.control_arm_experiment(t, t, adjust="sex")),
        ("nodes", lambda t: domain.comorbidity_network(t, nodes="428")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_text_is_no_list_of_names(study, what, call):
    with pytest.raises(ShdError, match=rf"{what}: give a list of names, \['\w+'\], not one text"):
        call(study(300))


def test_a_table_of_another_name_has_no_findings(study):
    with pytest.raises(ShdError, match="no findings are declared for 'mine'"):
        domain.estimates(Dataset(study(50).frame, name="mine"))
