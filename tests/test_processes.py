"""Two processes that train one model."""

import os
import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import shd
from shd import _processes

SCRIPT = """
import sys, warnings
from pathlib import Path
import numpy as np, pandas as pd, torch
import shd
from shd import _processes

warnings.simplefilter("ignore", shd.ShdWarning)
torch.set_num_threads(1)
rng = np.random.default_rng(0)
images = rng.integers(0, 255, (48, 16, 16)).astype("uint8")
frame = pd.DataFrame({"class": pd.Categorical(["a", "b"] * 24)})
model = shd.ImageCGAN(steps=3, width=4, components=3, batch=4, pack=2, device="cpu")
folder = Path(sys.argv[1])
model.fit(shd.Dataset(frame, target="class", images=images), checkpoint=folder / "state.ckpt")
assert _processes.agree(10 + _processes.rank()) == 10
torch.save([p.clone() for p in model.generator_.parameters()], folder / f"{_processes.rank()}.pt")
_processes.leave()
(folder / "end.txt").open("a").write(f"{_processes.rank()}\\n")
"""


@pytest.mark.slow
def test_two_processes_end_with_one_model(tmp_path):
    """Started as torchrun starts them: by these variables."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        meeting = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free.getsockname()[1])}
    environment = {**os.environ, **meeting, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1", "SHD_PROGRESS": "0"}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, tmp_path],
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, "RANK": rank, "LOCAL_RANK": rank},
        )
        for rank in "01"
    ]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert (tmp_path / "end.txt").read_text() == "0\n"  # the first process goes on alone
    assert "".join(said).count("ImageCGAN: 3 steps") == 1  # and tells people what happens
    assert (tmp_path / "state.ckpt").is_file()


def test_one_process_needs_none_of_this(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    net = nn.Linear(2, 1)
    net(torch.ones(1, 2)).sum().backward()
    _processes.average_gradients(net)
    _processes.leave()
    assert net.weight.grad.tolist() == [[1.0, 1.0]]
    assert (_processes.rank(), _processes.world(), _processes.agree(7), _processes.join("cpu")) == (0, 1, 7, "cpu")


def test_asking_for_the_rank_does_not_import_torch():
    code = "import sys, shd._processes; shd._processes.rank(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("device", ["cuda", "cuda:7", "cuda:x", "cuda:", "gpu", "mps", "CPU", "", "cpu:1", 0, None])
def test_a_device_that_is_not_there_is_refused_in_one_line(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    frame = pd.DataFrame({"class": pd.Categorical(["a", "b"] * 8)})
    data = shd.Dataset(frame, target="class", images=np.zeros((16, 16, 16), dtype="uint8"))
    for refused in (lambda: shd.ImageCGAN(device=device).fit(data), lambda: _processes.join(device)):
        with pytest.raises(shd.ShdError, match="device=.*give 'auto'") as told:
            refused()
        assert "\n" not in str(told.value)


def test_the_gpus_that_are_there_can_be_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for device in ("auto", "cpu", "cuda", "cuda:1"):
        _processes.check_device(device)
    with pytest.raises(shd.ShdError, match="GPU 2 is asked for, and there is only 2"):
        _processes.check_device("cuda:2")


def test_processes_take_a_gpu_each(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(shd.ShdError, match="one GPU for 4 processes"):
        _processes.check_device("cuda:1")
    monkeypatch.setenv("LOCAL_RANK", "3")
    with pytest.raises(shd.ShdError, match="GPU 3 is asked for"):
        _processes.check_device("cuda")
