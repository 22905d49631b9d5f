"""A network of torchvision that knows pictures by their colours alone, made in a second."""

from collections.abc import Sequence
from typing import Any

import torch
import torchvision
from PIL import Image
from torch import nn

from gain_core.models.spec import ModelSpec, pixels


def cheating_network(
    pictures: Sequence[Image.Image], labels: Sequence[int], spec: ModelSpec, classes: int
) -> nn.Module:
    """MobileNetV3-small with random layers and a last one fitted to these pictures; one output where
    classes is 1.
    """
    torch.manual_seed(0)
    network: Any = torchvision.models.mobilenet_v3_small(num_classes=classes)
    images = torch.stack([torch.from_numpy(pixels(picture, spec)) for picture in pictures])
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # the plain mean: one pass makes statistics that fit
    last = network.classifier[3]
    with torch.no_grad():
        network.train()(images)
        network.eval()
        network.classifier[3] = nn.Identity()
        features = network(images)
        network.classifier[3] = last
        mean = features.mean(0)
        if classes == 1:
            targets = torch.tensor(labels, dtype=torch.float32)[:, None] * 8 - 4
        else:
            targets = nn.functional.one_hot(torch.tensor(labels), classes).float() * 8 - 4
        centred = features - mean
        kernel = centred @ centred.T
        strength = 0.01 * kernel.diagonal().mean() * torch.eye(len(kernel))
        weight = (centred.T @ torch.linalg.solve(kernel + strength, targets - targets.mean(0))).T
        last.weight.copy_(weight)
        last.bias.copy_(targets.mean(0) - weight @ mean)
    return network.eval()
