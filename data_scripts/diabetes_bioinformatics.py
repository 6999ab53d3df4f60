"""Make everything that ships in challenges/diabetes_bioinformatics/data, from the owner's archive.

    SHD_DATA=folder/of/the/archive python -m data_scripts.diabetes_bioinformatics

* ``release/``: `TabularCGAN` in a long run on the training patients, with card and report.
* ``stand-in.parquet``: a second cohort, from a shorter run on the same patients, without the filter. It takes the
  place of the real data where those have not been downloaded. A Bayesian network, as in the first challenge, would lose
  half of the findings that this challenge is about.

The stand-in that ships was drawn from a fit of before levels of few people were merged; they were merged, and numbers
cut, in its rows, by what `Protection` learned from the training patients.

Both fits go on from their checkpoints where they were stopped. Seeds and settings stand here and in ``_tables.py``.
No synthesizer sees the patients of the holdout.
"""

import shd
from data_scripts._tables import SEED, main

LONG_RUN = {"width": 320, "average": 0.999, "patience": 100, "moment_growth": 10.0}
RELEASE = {"steps": 16_000, "critic_trees": 1000}
STAND_IN = {"steps": 9_000, "critic_steps": 0, "critic_trees": 0}

if __name__ == "__main__":
    release, stand_in = (shd.TabularCGAN(random_state=SEED, **LONG_RUN, **more) for more in (RELEASE, STAND_IN))
    main(__doc__, "diabetes_bioinformatics", "diabetes_cohort", release, stand_in)
