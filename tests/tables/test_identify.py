"""One rule for what identifies people: what it finds, and what it leaves alone."""

import numpy as np
import pandas as pd
import pytest
from faker import Faker
from sklearn import datasets

import shd
from shd._errors import ShdError, ShdWarning
from shd.dataset import Dataset
from shd.synthesizers import Marginals, load_synthesizer
from shd.synthesizers._protect import Protection
from shd.tables.identify import identify, people_in, subject_in

N = 900
PERSON = np.sort(np.r_[np.arange(600), np.random.default_rng(0).integers(0, 600, 300)])
pytestmark = pytest.mark.filterwarnings("ignore::shd.ShdWarning")


def surnames(n):
    faker = Faker("de_DE")
    faker.seed_instance(1)
    return np.array([faker.last_name() for _ in range(n)])


def of_person(make):
    return [make(int(k)) for k in PERSON]


BORN = pd.Timestamp("1930-01-01") + pd.to_timedelta(np.random.default_rng(1).integers(0, 28_000, 600), unit="D")
FINDS = {
    "pid": ("id or record number", (PERSON + 50_000.0)),
    "x1": ("id or record number", of_person(lambda k: f"KH-{100_000 + 7 * k}")),
    "x2": ("id or record number", np.random.default_rng(2).permutation(900_000)[:600][PERSON] + 100_000),
    "PatientenNr": ("id or record number", np.random.default_rng(3).permutation(5000)[:600][PERSON]),
    "x3": ("id or record number", of_person(lambda k: f"{k * 2654435761 % 2**32:08x}-1111-2222-3333-{k:012x}")),
    "contact": ("e-mail", of_person(lambda k: f"a{k // 2}@web.de")),  # two people share one
    "tel": ("telephone", of_person(lambda k: f"0{170 + k % 9}/{1_000_000 + 37 * k}")),
    "x4": ("telephone", of_person(lambda k: f"+49 30 {100_000 + 13 * k}")),
    "x5": ("insurance or account number", of_person(lambda k: f"DE{10 + k % 80} {1000 + k} 2000 3000 4000 50")),
    "x6": ("insurance or account number", of_person(lambda k: f"{100 + k}-{10 + k % 80}-{1000 + k}")),
    "geb": ("date of birth", BORN[PERSON].strftime("%d.%m.%Y")),
    "x8": ("date of birth", BORN[PERSON]),
    "x9": ("date of birth", BORN[PERSON].strftime("%Y%m%d").astype(int)),
    "anschrift": ("address", of_person(lambda k: f"Hauptstraße {k // 2}, 10115 Berlin")),
    "x10": ("address", of_person(lambda k: f"{k // 2 + 1} Elm Street, Leeds")),
    "plz": ("fine postcode", np.random.default_rng(4).integers(10_000, 99_999, 600)[PERSON]),
    "gps": ("coordinates", of_person(lambda k: f"{50 + k / 700:.5f}, {13 - k / 900:.5f}")),
    "latitude": ("coordinates", np.random.default_rng(5).normal(52, 1, N)),
    "x11": ("web or network address", of_person(lambda k: f"10.0.{k // 250}.{k % 250}")),
    "x12": ("file name", of_person(lambda k: f"scan_{k}.dcm")),
    "Nachname": ("name", surnames(600)[PERSON]),
    "x13": ("name", pd.Categorical(surnames(600)[PERSON])),
    "x7": ("free text", [f"was {k} days ill and asks for a letter" for k in range(N)]),
}
RNG = np.random.default_rng(9)
LEAVES = {
    "income": RNG.lognormal(10.3, 0.5, N).astype(int),
    "platelets": RNG.normal(250_000, 60_000, N).astype(int),
    "glucose": RNG.normal(5, 1, N),
    "icd": [f"{a}{b:02d}.{c}" for a, b, c in zip(RNG.choice(list("EIJK"), N), RNG.integers(0, 99, N),
            RNG.integers(0, 5, N), strict=True)],
    "icd9": RNG.integers(100, 999, N).astype(str),
    "drug": [f"{a} {b} mg" for a, b in zip(RNG.choice(["Metformin", "Aspirin", "Losartan"], N),
             RNG.choice([5, 10, 25, 50, 100, 250], N), strict=True)],
    "day": RNG.integers(0, 3650, N),
    "ldh": RNG.integers(100, 900, N),
    "admitted": pd.Timestamp("2015-01-01") + pd.to_timedelta(RNG.integers(0, 3650, N), unit="D"),
    "day_number": [
        int(day.strftime("%Y%m%d"))
        for day in pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 1500, N), unit="D")
    ],
    "birth_year": RNG.integers(1930, 2010, N),
    "doctor": RNG.choice([f"Dr. {name}" for name in surnames(40)], N),
    "postcode": RNG.choice([10_115, 10_117, 10_119], N),
    "name": RNG.choice(["aspirin", "ibuprofen", "x", "y", "z", "q"], N),
    "latency": RNG.lognormal(3, 1, N),
    "number_inpatient": RNG.integers(0, 20, N),
}  # fmt: skip


@pytest.mark.parametrize("name", FINDS)
def test_what_identifies_people_is_found(name):
    kind, values = FINDS[name]
    frame = pd.DataFrame({name: values, "sex": RNG.choice(["f", "m"], N)})
    found = {one.column: one.kind for one in identify(frame, PERSON)}
    assert found == {name: kind}


@pytest.mark.parametrize("dtype", ["category", "string", "object", "string[pyarrow]"])
def test_it_does_not_matter_what_text_is_held_in(dtype):
    names = ("x1", "contact", "x7", "Nachname")
    frame = pd.DataFrame({name: FINDS[name][1] for name in names}).astype(dtype)
    assert [one.column for one in identify(frame, PERSON)] == list(names)


@pytest.mark.parametrize("name", LEAVES)
def test_measurements_codes_and_what_many_share_are_left_alone(name):
    frame = pd.DataFrame({name: LEAVES[name]})
    assert identify(frame, PERSON) == () and identify(frame) == ()


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "wine", "diabetes", "linnerud"])
def test_tables_of_others_are_left_alone(name):
    assert identify(getattr(datasets, f"load_{name}")(as_frame=True).frame) == ()


@pytest.mark.parametrize("name", ["diabetes", "diabetes_cohort"])
def test_shipped_tables_are_left_alone(name):
    data = shd.load(name, "stand-in")
    assert identify(data.frame, pd.factorize(data.subjects)[0]) == ()


@pytest.mark.real_data("diabetes", "diabetes_cohort")
def test_real_tables_are_left_alone(real_diabetes, real_cohort):
    for data in (real_diabetes, real_cohort):
        assert identify(data.frame, pd.factorize(data.subjects)[0]) == ()


@pytest.mark.parametrize(("n_people", "n_visits"), [(600, 900), (2400, 3600), (600, 600), (3000, 3000)])
def test_the_planted_table(hospital, n_people, n_visits):
    visits = hospital(n_people, n_visits)
    found = [one.column for one in identify(visits)]
    assert found == ["patient_no", "name", "email", "insurance", "born", "note"]
    assert subject_in(visits) == ("patient_no" if n_visits > n_people else None)
    assert len(np.unique(people_in(visits))) == n_people


def test_people_are_counted_by_the_column_that_tells_them(hospital):
    visits = hospital()
    one = visits.index[visits["town"] == "Hintertupfingen"][0]
    visits = pd.concat([visits, visits.loc[[one] * 6]], ignore_index=True)  # seven visits of one person
    assert "Hintertupfingen" not in set(Protection.fit(visits).apply(visits)["town"])


# Keeping and making up --------------------------------------------------------------------------


def test_fit_drops_them_and_says_so_once(hospital):
    with pytest.warns(ShdWarning, match=r"dropped, as they identify people: 'patient_no' .* --keep COLUMN .* --fake"):
        model = Marginals().fit(hospital())
    assert list(model.sample(5)) == ["town", "income", "doctor", "age", "diagnosis", "weight", "readmitted"]


def test_what_is_kept_has_no_rare_level_and_is_no_free_text(hospital):
    visits = hospital().assign(email=np.repeat([f"ward{k}@example.org" for k in range(90)], 10))
    data = Dataset.from_frame(visits, subject="patient_no", keep=("email",))
    assert "email" in Marginals().fit(data).sample(5)
    rare = Dataset.from_frame(hospital(), subject="patient_no", keep=("email",))
    with pytest.raises(ShdError, match=r"'email' cannot be kept: 600 of its 600 levels") as caught:
        Marginals().fit(rare)
    assert "@" not in str(caught.value)
    with pytest.raises(ShdError, match="'note' holds free text, which is never learned"):
        Marginals().fit(Dataset.from_frame(hospital(), subject="patient_no", keep=("note",)))


def test_made_up_values_have_the_form_and_are_nobodys(hospital, tmp_path):
    visits = hospital()
    fake = ("name", "email", "insurance", "born", "note")
    model = Marginals().fit(Dataset.from_frame(visits, subject="patient_no", fake=fake))
    drawn = model.sample(len(visits))
    assert list(drawn) == [name for name in visits if name != "patient_no"]
    for name in ("name", "email", "insurance", "note"):
        assert not set(drawn[name]) & set(visits[name]), name
    assert drawn["email"].str.fullmatch(r"\S+@example\.com").all()
    assert drawn["insurance"].str.fullmatch(r"[A-Z]\d{9}").all()
    assert drawn["born"].dtype == visits["born"].dtype
    again = load_synthesizer(model.save(tmp_path / "model.safetensors"))
    pd.testing.assert_frame_equal(again.sample(len(visits)), drawn)
    content = (tmp_path / "model.safetensors").read_bytes().decode("latin-1")
    assert not [name for name in visits["name"] if name in content]


def test_a_target_that_identifies_people_is_refused(hospital):
    with pytest.raises(ShdError, match=r"target 'insurance' identifies people"):
        Marginals().fit(Dataset.from_frame(hospital(), subject="patient_no", target="insurance"))
