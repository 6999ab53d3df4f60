"""Several processes that train one model, started by ``torchrun``; one process needs none of this.

    torchrun --nproc-per-node 2 -m shd.cli generate alzheimers -o release

Each process plays with pictures of its own, and all take the mean of their gradients (data
parallelism, as in Li et al. 2020, *PyTorch Distributed*, arXiv 2006.15704). The first one writes.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to import, and most of what asks for `rank` does without
    from torch import nn


def rank() -> int:
    """Return the number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """Return how many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join(device: str) -> str:
    """Meet the other processes, where there are any, and return the device of this one.

    Parameters
    ----------
    device : str
        ``"cpu"``, ``"cuda"``, or ``"auto"``: a GPU where there is one.
    """
    import torch
    from torch import distributed

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
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
