"""The contestant in plain PyTorch: the five networks layer by layer as in `cnnreport.models`.

Runs in an environment of its own, where neither Keras nor this project is installed. Shapes, counts
and gradients are those of the Keras networks; how the weights start is PyTorch's own way, which
changes no time. Where a layer differs in the two libraries, a comment says what was done.
"""

import argparse
import platform
import sys
import time
import warnings
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional
from worker import CHANNELS, CLASSES, IMAGES, SIDE, Burst, Contestant, private_stdout, serve

LEARNING_RATE = 1e-4
KERAS_EPSILON = 1e-7
"""Adam's epsilon, and the least probability in a logarithm, as Keras has them by default."""

L2_PENALTIES = {"vgg16": 1e-4}
"""Factor of the penalty on squared kernels, of the networks that have one."""

AUXILIARY_WEIGHT = 0.3


class Flatten(nn.Module):
    """Make one axis of height, width and channels, in Keras' order; free under channels_last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, channels, height, width) to (n, values)."""
        return x.permute(0, 2, 3, 1).flatten(1)


def batch_norm(axes: int = 2) -> nn.Module:
    """Normalise over the batch; PyTorch's momentum is the share of the new value, Keras' 1 - it."""
    kind = nn.LazyBatchNorm2d if axes == 2 else nn.LazyBatchNorm1d
    return kind(eps=1e-3, momentum=0.01)


def conv(filters: int, size: int, stride: int = 1, same: bool = False) -> nn.Module:
    """Convolve; `same` keeps height and width and is used with stride 1 only."""
    return nn.LazyConv2d(filters, size, stride, size // 2 if same else 0)


def conv_relu(filters: int, size: int) -> nn.Sequential:
    """Convolve with zero padding, then ReLU."""
    return nn.Sequential(conv(filters, size, same=True), nn.ReLU(inplace=True))


def conv_relu_bn(filters: int, size: int, stride: int = 1, same: bool = False) -> nn.Sequential:
    """Convolve, ReLU, then normalise."""
    return nn.Sequential(conv(filters, size, stride, same), nn.ReLU(inplace=True), batch_norm())


def conv_bn(filters: int, size: int, stride: int = 1, same: bool = False) -> nn.Sequential:
    """Convolve, then normalise."""
    return nn.Sequential(conv(filters, size, stride, same), batch_norm())


def conv_bn_relu(filters: int, size: int, stride: int = 1, same: bool = False) -> nn.Sequential:
    """Convolve, normalise, then ReLU."""
    return nn.Sequential(conv_bn(filters, size, stride, same), nn.ReLU(inplace=True))


def dense_relu(units: int) -> nn.Sequential:
    """Connect every input to every unit, then ReLU."""
    return nn.Sequential(nn.LazyLinear(units), nn.ReLU(inplace=True))


def lenet() -> nn.Module:
    """Build LeNet; like the other networks it returns logits, whose softmax the loss takes."""
    return nn.Sequential(
        *(conv(6, 5), nn.ReLU(inplace=True), nn.AvgPool2d(2)),
        *(conv(16, 5), nn.ReLU(inplace=True), nn.AvgPool2d(2)),
        *(Flatten(), dense_relu(120), dense_relu(84), nn.LazyLinear(CLASSES)),
    )


def alexnet() -> nn.Module:
    """Build AlexNet."""
    return nn.Sequential(
        *(conv_relu_bn(96, 3, stride=4), nn.MaxPool2d(2)),
        *(conv_relu_bn(256, 5, same=True), nn.MaxPool2d(2)),
        *(conv_relu(384, 3), conv_relu(384, 3), conv_relu(256, 3), nn.MaxPool2d(2)),
        *(Flatten(), dense_relu(4096), nn.Dropout(0.4), dense_relu(4096), nn.Dropout(0.4)),
        nn.LazyLinear(CLASSES),
    )


def vgg16() -> nn.Module:
    """Build VGGNet-16; the optimiser brings its penalty."""
    layers: list[nn.Module] = []
    for convolutions, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        layers += [conv_relu_bn(filters, 3, same=True) for _ in range(convolutions)]
        layers.append(nn.MaxPool2d(2))
    layers.append(Flatten())
    for _ in range(2):
        layers += [dense_relu(4096), batch_norm(axes=0), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.LazyLinear(CLASSES))


class Bottleneck(nn.Module):
    """Narrow, work, widen, add the shortcut; only after the sum comes the last ReLU."""

    def __init__(self, filters: int, stride: int, first: bool) -> None:
        """Make a block; the first one of a stage has a convolution on its shortcut."""
        super().__init__()
        self.shortcut = conv_bn(4 * filters, 1, stride) if first else nn.Identity()
        self.way = nn.Sequential(
            conv_bn_relu(filters, 1, stride),
            conv_bn_relu(filters, 3, same=True),
            conv_bn(4 * filters, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add what the way computes to what the shortcut brings."""
        return torch.relu_(self.way(x) + self.shortcut(x))


def resnet50() -> nn.Module:
    """Build ResNet-50.

    Keras' "same" with 7x7 filters and stride 2 puts 2 rows before and 3 after the 38x38 pixels
    that three rows of zeros make; PyTorch's convolution pads evenly, so one layer pads them all.
    """
    layers = [nn.ZeroPad2d((5, 6, 5, 6)), conv_bn_relu(64, 7, stride=2), nn.MaxPool2d(3, 2)]
    for blocks, filters, stride in ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)):
        layers.append(Bottleneck(filters, stride, first=True))
        layers += [Bottleneck(filters, 1, first=False) for _ in range(blocks - 1)]
    return nn.Sequential(*layers, nn.AvgPool2d(2), Flatten(), nn.LazyLinear(CLASSES))


class Inception(nn.Module):
    """Stack four views of the input: a pair counts the 1x1 and then the large filters."""

    def __init__(
        self, ones: int, threes: tuple[int, int], fives: tuple[int, int], pooled: int
    ) -> None:
        """Make the four ways."""
        super().__init__()
        self.views = nn.ModuleList(
            [
                conv_relu(ones, 1),
                nn.Sequential(conv_relu(threes[0], 1), conv_relu(threes[1], 3)),
                nn.Sequential(conv_relu(fives[0], 1), conv_relu(fives[1], 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_relu(pooled, 1)),
            ]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate the views along the channels."""
        return torch.cat([view(x) for view in self.views], dim=1)


class GoogLeNet(nn.Module):
    """GoogLeNet with the study's weighted sum of three heads."""

    def __init__(self) -> None:
        """Make the trunk in three parts and a head after each."""
        super().__init__()
        self.until_aux1 = nn.Sequential(
            *(nn.ZeroPad2d(3), conv_bn_relu(32, 3, stride=2), nn.MaxPool2d(2, 1)),
            *(conv_bn_relu(192, 3), conv_bn_relu(192, 3), nn.MaxPool2d(2, 1)),
            Inception(64, (96, 128), (16, 32), 32),
            Inception(128, (128, 192), (32, 96), 64),
            nn.MaxPool2d(2, 1),
            Inception(192, (96, 208), (16, 48), 64),
        )
        self.until_aux2 = nn.Sequential(
            Inception(160, (112, 224), (24, 64), 64),
            Inception(128, (128, 256), (24, 24), 64),
            Inception(112, (144, 288), (32, 64), 64),
        )
        self.until_main = nn.Sequential(
            Inception(256, (120, 320), (32, 128), 128),
            nn.MaxPool2d(2, 1),
            Inception(256, (160, 320), (32, 128), 128),
            Inception(384, (192, 384), (48, 128), 128),
        )
        self.aux1, self.aux2 = _auxiliary_head(), _auxiliary_head()
        self.main = nn.Sequential(
            *(nn.AvgPool2d(7, 1), nn.Dropout(0.4), Flatten()),
            *(dense_relu(1000), nn.LazyLinear(CLASSES)),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logarithm of the summed probabilities.

        The loss takes a log-softmax of it, which is the logarithm of the sum divided by its total:
        just what Keras' cross-entropy makes of an output that does not add up to 1.
        """
        first = self.until_aux1(x)
        second = self.until_aux2(first)
        last = self.until_main(second)
        main, aux1, aux2 = (
            functional.softmax(head(part), dim=1)
            for head, part in ((self.main, last), (self.aux1, first), (self.aux2, second))
        )
        total = main + AUXILIARY_WEIGHT * aux1 + AUXILIARY_WEIGHT * aux2
        return total.clamp_min(KERAS_EPSILON).log()


def _auxiliary_head() -> nn.Sequential:
    return nn.Sequential(
        *(nn.AvgPool2d(5, 3), conv_relu(128, 1), Flatten()),
        *(dense_relu(256), nn.Dropout(0.4), nn.LazyLinear(CLASSES)),
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "lenet": lenet,
    "alexnet": alexnet,
    "vgg16": vgg16,
    "resnet50": resnet50,
    "googlenet": GoogLeNet,
}


def build(name: str) -> nn.Module:
    """Build a network in channels_last; a first pass tells every layer its number of inputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # layers without a size are called a feature
        network = NETWORKS[name]()
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, CHANNELS, SIDE, SIDE))
    return network.train().to(memory_format=torch.channels_last)


def totals(network: nn.Module) -> tuple[int, int]:
    """Return the trainable parameters and the moving averages, which Keras counts as well."""
    averages = [
        buffer for name, buffer in network.named_buffers() if name.endswith(("_mean", "_var"))
    ]
    return (
        sum(parameter.numel() for parameter in network.parameters()),
        sum(buffer.numel() for buffer in averages),
    )


def optimizer_for(network: nn.Module, penalty: float) -> torch.optim.Optimizer:
    """Return a fused Adam; a penalty p on squared kernels has the gradient 2 p times the kernel.

    Kernels are the weights with more than one axis: neither biases nor what normalisation learns.
    """
    kernels = [weight for weight in network.parameters() if weight.dim() > 1]
    others = [weight for weight in network.parameters() if weight.dim() == 1]
    groups = [{"params": kernels, "weight_decay": 2 * penalty}, {"params": others}]
    return torch.optim.Adam(groups, lr=LEARNING_RATE, eps=KERAS_EPSILON, fused=True)


def torch_burst(network: nn.Module, penalty: float, batch: int) -> Burst:
    """Make random images and return what trains the network on them, in a new order each time."""
    torch.manual_seed(0)
    # Height, width, channels in memory, so that a batch is channels_last without being copied.
    images = torch.rand(IMAGES, SIDE, SIDE, CHANNELS)
    labels = torch.randint(CLASSES, (IMAGES,))
    optimizer = optimizer_for(network, penalty)

    def step(rows: torch.Tensor) -> torch.Tensor:
        wanted = labels[rows]
        scores = network(images[rows].permute(0, 3, 1, 2))
        optimizer.zero_grad()
        functional.cross_entropy(scores, wanted).backward()
        optimizer.step()
        return (scores.detach().argmax(1) == wanted).sum()

    def burst(steps: int) -> tuple[int, float]:
        begun = time.perf_counter()
        order = torch.randperm(IMAGES)
        correct = torch.zeros((), dtype=torch.int64)
        for number in range(steps):
            correct += step(order[number * batch : (number + 1) * batch])
        correct.item()
        return steps * batch, time.perf_counter() - begun

    return burst


def main() -> None:
    """Serve bursts of one network, unless its parameter totals are not those of the Keras one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--batch", required=True, type=int)
    parser.add_argument("--seconds", required=True, type=float)
    parser.add_argument("--parameters", required=True, type=int, nargs=2)
    args = parser.parse_args()
    answers = private_stdout()
    network = build(args.network)
    if (came := totals(network)) != tuple(args.parameters):
        sys.exit(
            f"{args.network}: wanted the parameter totals of the Keras network, "
            f"{tuple(args.parameters)}, came {came}; mend torch_networks.py"
        )
    ready = Contestant(
        torch_burst(network, L2_PENALTIES.get(args.network, 0.0), args.batch),
        came,
        {"torch": torch.__version__, "python": platform.python_version()},
    )
    serve(ready, args.batch, args.seconds, sys.stdin, answers)


if __name__ == "__main__":
    main()
