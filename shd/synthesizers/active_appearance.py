"""`ActiveAppearance`: shape and brightness of people, both Gaussian, drawn together.

Where people's ventricles are of different sizes, a mean picture is grey along their edges, and a sum
of pictures has ghosts instead of edges. Here every picture is first brought into the shape of a
template, by the deformation that fits best; this deformation, and the picture without it, are what
is learned as `SliceGaussian` learns. So what is drawn has edges, where its own deformation puts them.

From Cootes, Edwards, Taylor 1998, *Active Appearance Models*, with deformations that are found as in
Thirion 1998 instead of marked by hand.
"""

from shd.synthesizers._descriptions import ShapeAndPixels
from shd.synthesizers.slice_gaussian import SliceGaussian


class ActiveAppearance(SliceGaussian):
    """Deformations, and pictures in one shape, together Gaussian in principal components.

    `ImageCGAN` starts from it. Parameters and attributes are those of `SliceGaussian`; a
    description is forty scores of shape, then the pixels.
    """

    _description = ShapeAndPixels
