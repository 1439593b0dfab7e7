"""Chapter 5: convolutional networks.

Reading order: `toy` (filters by hand), `arithmetic`, `layers` (the language of descriptions),
`convnet`, `pooling`, `vgg`; then `recipes` (the named experiments), `train` (config → task),
`predict` and `figures`. `beyond` has clips, sounds and sentences.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.vision.convnet import ConvNet
    from gradus.vision.vgg import VGG

__all__ = ["VGG", "ConvNet"]

__getattr__ = lazy(__name__, {"ConvNet": "convnet:ConvNet", "VGG": "vgg:VGG"})
