"""The page that shows how to add a family says the truth: its code is run, registered, and kept to the contract."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import shd
from shd.releases import make_synthesizer
from shd.synthesizers import ImageSynthesizer, load_synthesizer, registry

PAGE = Path(__file__).parents[2] / "docs" / "families.md"


@pytest.fixture
def family():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    here = {"__name__": "naive_bayes"}
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), here)
    yield here["NaiveBayes"]
    del registry["NaiveBayes"]


def table(n=600):
    rng = np.random.default_rng(0)
    sick = rng.choice(["no", "yes"], n)
    return pd.DataFrame(
        {
            "sick": pd.Categorical(sick),
            "fever": rng.normal(37, 0.5, n).round(1) + (sick == "yes"),
            "ward": rng.choice(["a", "b"], n),
        }
    )


def test_the_family_of_the_page_works(family, tmp_path):
    assert registry["NaiveBayes"] is family
    frame = table()
    model = family().fit(shd.Dataset(frame, target="sick"))
    drawn = model.sample(400)
    assert (drawn.dtypes == frame.dtypes).all()
    ill = model.sample(300, condition={"sick": "yes"})
    assert (ill["sick"] == "yes").all() and ill["fever"].mean() == pytest.approx(38, abs=0.15)
    again = load_synthesizer(model.save(tmp_path / "model.safetensors"))
    pd.testing.assert_frame_equal(again.sample(400), drawn)
    assert make_synthesizer("naivebayes", condition=("ward",)).condition == ("ward",)


def test_the_page_names_every_family_of_tables():
    text = PAGE.read_text(encoding="utf-8")
    families = [n for n in registry if not issubclass(registry[n], ImageSynthesizer)]
    assert all(f"| `{name}` |" in text for name in families)


@pytest.mark.slow
def test_the_contract_picks_it_up(tmp_path):
    """Added as the page says, in a copy of the tests, the contract suite runs on it and passes."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "naive_bayes.py").write_text(code)
    (tmp_path / "conftest.py").write_text(
        "from shd.synthesizers import registry\nregistry['NaiveBayes'] = 'naive_bayes'\n"
    )
    suite = Path(__file__).with_name("test_contract.py")
    (tmp_path / "test_contract.py").write_text(suite.read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "NaiveBayes", "test_contract.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout[-2000:]
