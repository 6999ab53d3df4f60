"""A second pair of eyes: ResNet18 trained on ImageNet, where its weights are already on this machine."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from shd._parallel import in_parallel
from shd.compare.images.pictures import Pictures

_FILE = "resnet18-f37072fd.pth"
_MOST = 600  # pictures a side: each takes a hundredth of a second
_CHUNK = 100
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HOW = (
    "its weights are not on this machine; to have them, run once with a network: "
    "python -c \"from torchvision.models import resnet18; resnet18(weights='DEFAULT')\""
)


def from_cache() -> tuple[nn.Module | None, str]:
    """Return ResNet18 without its last layer, or None and why; nothing is ever downloaded."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / _FILE
    if not path.is_file():
        return None, _HOW
    from torchvision.models import resnet18

    network = resnet18(weights=None)
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a file that is cut off fails in many ways
        return None, f"the file of its weights cannot be read ({type(error).__name__}); delete it and fetch it again"
    network.fc = nn.Identity()
    return network.eval().requires_grad_(False), ""


def evenly(n: int, taken: int) -> np.ndarray:
    """Return which of n pictures are taken, from the first to the last."""
    return np.linspace(0, n - 1, taken).astype(int)


def features(network: nn.Module, pictures: Pictures) -> np.ndarray:
    """Return the 512 features of at most 600 pictures, float64: He et al. (2016), CVPR, arXiv 1512.03385."""
    rows = evenly(len(pictures), min(_MOST, len(pictures)))
    mean, spread = (torch.tensor(v)[None, :, None, None] for v in (_MEAN, _SPREAD))

    def of_part(first: int) -> np.ndarray:
        x = torch.tensor(pictures.images[rows[first : first + _CHUNK]]).float()[:, None] / 255
        with torch.no_grad():
            return network((x - mean) / spread).double().numpy()

    return np.concatenate(in_parallel(of_part, range(0, len(rows), _CHUNK)))
