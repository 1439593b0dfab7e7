"""Chapter 5: convolutional networks.

Reading order: `toy` (filters by hand), `arithmetic`, `layers` (the language of descriptions),
`convnet`, `pooling`, `vgg`; `augment` and `distort` (changes of images), `classifier`,
`whitening`; then `recipes` (the named experiments), `train` (config → task), `predict` and
`figures`. To look inside: `activations`, `filters`, `saliency`, `gradcam`, `embedding`, `look`.
`style` is neural style; `beyond` has clips, sounds and sentences.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.vision.convnet import ConvNet
    from gradus.vision.gradcam import grad_cam
    from gradus.vision.style.descent import stylize
    from gradus.vision.vgg import VGG

__all__ = ["VGG", "ConvNet", "grad_cam", "stylize"]

__getattr__ = lazy(
    __name__,
    {
        "ConvNet": "convnet:ConvNet",
        "VGG": "vgg:VGG",
        "grad_cam": "gradcam:grad_cam",
        "stylize": "style.descent:stylize",
    },
)
