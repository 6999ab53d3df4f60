"""Compare synthetic with real pictures: are they alike, are they useful, are they safe.

One module a question: `means`, `realism` (Fréchet and kernel distance, precision and recall),
`variety`, `detection` (C2ST), `utility` (TSTR), `attention` (Grad-CAM), `privacy`, `membership`, and
`leakage`, which is about the real pictures alone. The floor is `SliceGaussian`, the ceiling other real people;
every set that is compared has equally many pictures of each class and slice.
"""

from shd.compare.core.neighbourhoods import frechet_distance, kernel_distance, precision_recall
from shd.compare.images.attention import grad_cam
from shd.compare.images.detection import image_c2st
from shd.compare.images.leakage import leakage_by_split
from shd.compare.images.means import mean_image_error
from shd.compare.images.membership import membership_inference
from shd.compare.images.privacy import exact_copies, nearer_to_train, too_near_to_train
from shd.compare.images.utility import image_tstr
from shd.compare.images.variety import brightness, ventricle_share

__all__ = [
    "brightness",
    "exact_copies",
    "frechet_distance",
    "grad_cam",
    "image_c2st",
    "image_tstr",
    "kernel_distance",
    "leakage_by_split",
    "mean_image_error",
    "membership_inference",
    "nearer_to_train",
    "precision_recall",
    "too_near_to_train",
    "ventricle_share",
]
