"""Published weights of networks: where they come from and how they are checked."""

from gradus.core.download import RemoteFile, RemoteSet

TORCHVISION = "https://download.pytorch.org/models"


def _vgg(name: str, file: str, sha256: str, size: int, about: str) -> RemoteSet:
    return RemoteSet(
        name=name,
        files=(RemoteFile(file, (f"{TORCHVISION}/{file}",), sha256, size),),
        licence="BSD 3-Clause (torchvision); ImageNet has terms of its own",
        source="https://docs.pytorch.org/vision/stable/models/vgg.html",
        about=about,
    )


WEIGHTS: dict[str, RemoteSet] = {
    remote.name: remote
    for remote in (
        _vgg(
            "vgg16",
            "vgg16-397923af.pth",
            "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            553_433_881,
            "VGG-16 trained on ImageNet, 553 MB",
        ),
        _vgg(
            "vgg16-norm",
            "vgg16_bn-6c64b313.pth",
            "6c64b3138f2f4fcb3bcc4cafde11619c4f440eb1631787e93a682fd88305888a",
            553_507_836,
            "VGG-16 with batch normalisation trained on ImageNet, 554 MB",
        ),
        _vgg(
            "vgg19",
            "vgg19-dcbb9e9d.pth",
            "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
            574_673_361,
            "VGG-19 trained on ImageNet, 575 MB",
        ),
        _vgg(
            "vgg19-norm",
            "vgg19_bn-c79401a0.pth",
            "c79401a0cf3cb42714e4182f5868c7a6f4f4534f5df9e956e2bb2098de41cbb6",
            574_769_405,
            "VGG-19 with batch normalisation trained on ImageNet, 575 MB",
        ),
    )
}
"""Weights that are downloaded, by name."""
