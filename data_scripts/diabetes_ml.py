"""Make everything that ships in challenges/diabetes_ml/data, from the owner's archive.

    SHD_DATA=folder/of/the/archive python -m data_scripts.diabetes_ml

* ``release/``: `TabularCGAN` in a long run on the training patients, with card and report. The fit
  goes on from its checkpoint where it was stopped.
* ``stand-in.parquet``: a second cohort, from a `BayesianNetwork` fitted on the same patients, with
  made-up subjects. It takes the place of the real data where those have not been downloaded.

Seeds and settings stand here and in ``_tables.py``. No synthesizer sees the patients of the holdout; all that
is taken from all patients is how many stays each has, for the made-up subjects of the stand-in.
"""

import shd
from data_scripts._tables import SEED, main

LONG_RUN = {"steps": 20_000, "width": 320, "average": 0.999, "patience": 100, "critic_trees": 1000}

if __name__ == "__main__":
    release, stand_in = shd.TabularCGAN(random_state=SEED, **LONG_RUN), shd.BayesianNetwork(random_state=SEED)
    main(__doc__, "diabetes_ml", "diabetes", release, stand_in)
