"""Fit CTGAN with its defaults on a CSV and sample as many rows: runs in an environment of its own.

python peer_ctgan.py TRAIN.csv ROWS.csv COST.json EPOCHS
"""

import json
import resource
import sys
import time
from pathlib import Path

import pandas as pd
import torch
from ctgan import CTGAN

torch.set_num_threads(1)
torch.manual_seed(0)
train = pd.read_csv(sys.argv[1], keep_default_na=False)
discrete = [c for c in train.columns if not pd.api.types.is_numeric_dtype(train[c])]
started = time.process_time()
model = CTGAN(epochs=int(sys.argv[4]), enable_gpu=False, verbose=True)  # verbose: its progress bar, with time left
model.set_random_state(0)
model.fit(train, discrete)
fitted = time.process_time()
rows = model.sample(len(train))
sampled = time.process_time()
rows.to_csv(sys.argv[2], index=False)
cost = {
    "fit_cpu_s": fitted - started,
    "rows_per_s": len(rows) / (sampled - fitted),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}
Path(sys.argv[3]).write_text(json.dumps(cost), encoding="utf-8")
