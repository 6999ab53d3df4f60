"""What is not what a function asks for is refused in one line that says what to give."""

import pytest
import studies

from shd._errors import ShdError


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("subgroups", lambda t: studies.subgroup_effects(t, subgroups="sex")),
        ("terms", lambda t: studies.discharge_hazards(t, terms="sex")),
        ("adjust", lambda t: studies.contrast(t, t, adjust="sex")),
        ("adjust", lambda t: studies.control_arm_experiment(t, t, adjust="sex")),
        ("nodes", lambda t: studies.comorbidity_network(t, nodes="428")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_text_is_no_list_of_names(study, what, call):
    with pytest.raises(ShdError, match=rf"{what}: give a list of names, \['\w+'\], not one text"):
        call(study(300))
