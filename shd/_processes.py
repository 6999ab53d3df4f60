"""Several processes that train one model, started by ``torchrun``; one process needs none of this.

    torchrun --nproc-per-node 2 -m shd.cli generate alzheimers -o release

Each process plays with pictures of its own, and all take the mean of their gradients (data
parallelism, as in Li et al. 2020, *PyTorch Distributed*, arXiv 2006.15704). The first one writes.
"""

import os
from typing import TYPE_CHECKING

from shd._errors import ShdError

if TYPE_CHECKING:  # torch takes seconds to import, and most of what asks for `rank` does without
    from torch import nn


def rank() -> int:
    """Return the number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """Return how many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def check_device(device: object) -> None:
    """Raise `ShdError` for a device that is none, or that this machine does not have.

    ``"auto"``, ``"cpu"`` and ``"cuda"`` are known, and ``"cuda:1"`` for one GPU of several; under torchrun each
    process takes the GPU of its own number.
    """
    import torch

    kind, _, number = device.partition(":") if isinstance(device, str) else ("", "", "")
    if kind not in ("auto", "cpu", "cuda") or (":" in str(device) and (kind != "cuda" or not number.isdecimal())):
        raise ShdError(f"device={device!r} is none that is known; give 'auto', 'cpu', 'cuda', or one GPU as 'cuda:0'.")
    if kind != "cuda":
        return
    if number and world() > 1:
        raise ShdError(f"device={device!r} is one GPU for {world()} processes; give 'cuda', and each takes its own.")
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    wanted = int(number or (os.environ.get("LOCAL_RANK", "0") if world() > 1 else 0))
    if wanted >= there:
        has = "no GPU that torch can use" if not there else f"only {there}, numbered from 0"
        raise ShdError(f"device={device!r}: GPU {wanted} is asked for, and there is {has}; give 'auto' or 'cpu'.")


def join(device: str) -> str:
    """Meet the other processes, where there are any, and return the device of this one."""
    import torch
    from torch import distributed

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    check_device(device)
    if world() > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device == "cuda" and world() > 1 else device


def agree(number: int) -> int:
    """Return the number that the first process has."""
    if world() == 1:
        return number
    import torch
    from torch import distributed

    told = torch.tensor(number, device=join("auto") if distributed.get_backend() == "nccl" else "cpu")
    distributed.broadcast(told, src=0)
    return int(told)


def average_gradients(net: "nn.Module") -> None:
    """Give every process the mean of all gradients."""
    if world() == 1:
        return
    from torch import distributed

    for parameter in net.parameters():
        distributed.all_reduce(parameter.grad)
        parameter.grad /= world()


def leave() -> None:
    """Part from the other processes after the fit, and end all but the first: one is enough for the rest."""
    if world() == 1:
        return
    from torch import distributed

    if distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()
    if rank():
        raise SystemExit(0)
