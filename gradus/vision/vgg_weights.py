"""Published VGG weights, read by name into our networks.

Torchvision keeps a VGG's layers in two lists, `features` (up to the last pool) and `classifier`,
and names a weight by its place: `features.0.weight`, `classifier.6.bias`. Activations, pools and
dropout count too, so that our own layers, in their order, give the same places.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from gradus.core.download import locate
from gradus.core.errors import DataError, UsageError
from gradus.data.weights import WEIGHTS
from gradus.vision.convnet import ConvNet, show

COUNTER = "num_batches_tracked"  # of a norm: no weight, and absent from older files


def torchvision_keys(net: ConvNet) -> dict[str, str]:
    """Our name of each parameter and running average -> torchvision's, such as `features.0.bias`.

    Args:
        net: a network without residual blocks.
    """
    places = {}
    part, place = "features", 0
    for name, _ in net.named_children():
        if name == "flatten":
            part, place = "classifier", 0
            continue
        places[name] = f"{part}.{place}"
        place += 1
    split = (key.split(".", 1) for key in net.state_dict() if not key.endswith(COUNTER))
    return {f"{layer}.{rest}": f"{places[layer]}.{rest}" for layer, rest in split}


def find(depth: int, norm: bool) -> Path:
    """The published weights of a VGG, in GRADUS_DATA or downloaded (550 MB); SHA-256 checked.

    Args:
        depth: 16 or 19.
        norm: whether with batch normalisation.

    Raises:
        UsageError: none are known for this network.
        DataError: the file found is damaged, or cannot be downloaded.
    """
    name = f"vgg{depth}" + ("-norm" if norm else "")
    if name not in WEIGHTS:
        raise UsageError(
            f"weights published with a SHA-256 are known of {', '.join(WEIGHTS)}, not of {name}: "
            "give the path of a file"
        )
    return locate(WEIGHTS[name].files[0], folder=name)


def read(path: Path) -> dict[str, Tensor]:
    """The named tensors of a file; they stay on disk until they are used.

    Args:
        path: .safetensors, or anything that `torch.save` wrote of tensors alone: no code in it
            is run.

    Raises:
        DataError: the file is missing or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        zipped = zipfile.is_zipfile(path)  # torch before 1.6 wrote another format
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # what is no such file fails in any way
        raise DataError(f"{path}: not a file of weights alone (.pth or .safetensors)") from error
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise DataError(f"{path}: expected tensors by name, found {type(state).__name__}")
    return dict(state)


def assign(net: ConvNet, state: Mapping[str, Tensor], source: object) -> ConvNet:
    """Make the tensors of torchvision's layout the network's own.

    Args:
        net: the network, which may be without memory (on the device "meta").
        state: torchvision's name -> tensor.
        source: where they come from, for the error.

    Returns:
        `net`.

    Raises:
        DataError: a tensor is missing, left over or of another shape; the first one is named.
    """
    keys = torchvision_keys(net)
    own = net.state_dict()
    wrong = f"{source}: weights of another network"
    for ours, theirs in keys.items():
        expected = f"expected {theirs} of shape {show(own[ours].shape)} (our {ours})"
        if theirs not in state:
            raise DataError(f"{wrong}: {expected}, found none")
        if state[theirs].shape != own[ours].shape:
            raise DataError(f"{wrong}: {expected}, found {show(state[theirs].shape)}")
    known = set(keys.values())
    for name, tensor in state.items():
        if name not in known and not name.endswith(COUNTER):
            raise DataError(
                f"{wrong}: expected no {name}, found it with shape {show(tensor.shape)}"
            )
    counters = {name: torch.zeros((), dtype=torch.long) for name in own if name.endswith(COUNTER)}
    named = {ours: state[theirs] for ours, theirs in keys.items()}
    net.load_state_dict({**named, **counters}, assign=True)
    return net
