"""The five networks against the facts of the original study, and the counting of their work."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from cnnreport.errors import ModelError
from cnnreport.models import build_network
from cnnreport.models.blocks import softmax
from cnnreport.models.inspection import describe, layer_macs
from cnnreport.networks import NETWORKS
from cnnreport.records import Architecture, load_json, to_json

SHAPE = (32, 32, 3)

# Total, trainable and non-trainable parameters, as printed in the study.
PARAMETERS = {
    ("lenet", 10): (62_006, 62_006, 0),
    ("lenet", 100): (69_656, 69_656, 0),
    ("alexnet", 10): (21_591_306, 21_590_602, 704),
    ("alexnet", 100): (21_960_036, 21_959_332, 704),
    ("vgg16", 10): (33_687_882, 33_663_050, 24_832),
    ("vgg16", 100): (34_056_612, 34_031_780, 24_832),
    ("resnet50", 10): (23_608_202, 23_555_082, 53_120),
    ("resnet50", 100): (23_792_612, 23_739_492, 53_120),
    ("googlenet", 10): (23_188_534, 23_187_702, 832),
    ("googlenet", 100): (23_324_884, 23_324_052, 832),
}

INITIALISERS = {
    "lenet": "HeNormal",
    "alexnet": "GlorotUniform",
    "vgg16": "HeNormal",
    "resnet50": "GlorotUniform",
    "googlenet": "GlorotUniform",
}

SMALLEST_SIDES = {"lenet": 16, "alexnet": 31, "vgg16": 32, "resnet50": 31, "googlenet": 25}


# --- the layer tables, written down from the description of the study for 10 classes ------------


def conv(
    shape: str, size: int, stride: int, padding: str, activation: str = "", l2: str = ""
) -> str:
    filters = shape.rpartition("x")[2]
    kernel = f"{filters} filters {size}x{size}, stride {stride}, {padding}{l2}"
    return f"Conv2D {shape} {activation}: {kernel}"


def pool(kind: str, shape: str, size: int, stride: int, padding: str = "") -> str:
    return f"{kind}Pooling2D {shape} : pool {size}x{size}, stride {stride}{padding}"


def norm(shape: str) -> str:
    return f"BatchNormalization {shape} : momentum 0.99"


def relu(shape: str) -> str:
    return f"Activation {shape} relu: "


def flatten(length: int) -> str:
    return f"Flatten {length} : "


def dense(units: int, activation: str = "relu", l2: str = "") -> str:
    return f"Dense {units} {activation}: {units} units{l2}"


def dropout(shape: str, rate: float) -> str:
    return f"Dropout {shape} : rate {rate}"


IMAGE = "InputLayer 32x32x3 : "
ZERO_PADDING = "ZeroPadding2D 38x38x3 : 3 on each side"


def lenet_layers() -> list[str]:
    return [
        IMAGE,
        conv("28x28x6", 5, 1, "valid", "relu"),
        pool("Average", "14x14x6", 2, 2),
        conv("10x10x16", 5, 1, "valid", "relu"),
        pool("Average", "5x5x16", 2, 2),
        flatten(400),
        dense(120),
        dense(84),
        dense(10, "softmax"),
    ]


def alexnet_layers() -> list[str]:
    return [
        IMAGE,
        conv("8x8x96", 3, 4, "valid", "relu"),
        norm("8x8x96"),
        pool("Max", "4x4x96", 2, 2),
        conv("4x4x256", 5, 1, "same", "relu"),
        norm("4x4x256"),
        pool("Max", "2x2x256", 2, 2),
        conv("2x2x384", 3, 1, "same", "relu"),
        conv("2x2x384", 3, 1, "same", "relu"),
        conv("2x2x256", 3, 1, "same", "relu"),
        pool("Max", "1x1x256", 2, 2),
        flatten(256),
        dense(4096),
        dropout("4096", 0.4),
        dense(4096),
        dropout("4096", 0.4),
        dense(10, "softmax"),
    ]


def vgg16_layers() -> list[str]:
    l2 = ", L2 0.0001"
    rows = [IMAGE]
    for shape, count, pooled in [
        ("32x32x64", 2, "16x16x64"),
        ("16x16x128", 2, "8x8x128"),
        ("8x8x256", 3, "4x4x256"),
        ("4x4x512", 3, "2x2x512"),
        ("2x2x512", 3, "1x1x512"),
    ]:
        rows += [conv(shape, 3, 1, "same", "relu", l2), norm(shape)] * count
        rows += [pool("Max", pooled, 2, 2)]
    rows += [flatten(512)]
    rows += [dense(4096, l2=l2), norm("4096"), dropout("4096", 0.5)] * 2
    return [*rows, dense(10, "softmax", l2)]


def resnet50_layers() -> list[str]:
    stem = "19x19x64"
    rows = [IMAGE, ZERO_PADDING, conv(stem, 7, 2, "same"), norm(stem), relu(stem)]
    rows += [pool("Max", "9x9x64", 3, 2)]
    for side, narrow, wide, blocks, first_stride in [
        (9, 64, 256, 3, 1),
        (5, 128, 512, 4, 2),
        (3, 256, 1024, 6, 2),
        (2, 512, 2048, 3, 2),
    ]:
        inside, outside = f"{side}x{side}x{narrow}", f"{side}x{side}x{wide}"
        for block in range(blocks):
            stride = 1 if block else first_stride
            rows += [conv(inside, 1, stride, "valid"), norm(inside), relu(inside)]
            rows += [conv(inside, 3, 1, "same"), norm(inside), relu(inside)]
            rows += [conv(outside, 1, 1, "valid"), norm(outside)]
            if block == 0:
                rows += [conv(outside, 1, stride, "valid"), norm(outside)]
            rows += [f"Add {outside} : ", relu(outside)]
    return [*rows, pool("Average", "1x1x2048", 2, 2), flatten(2048), dense(10, "softmax")]


def inception(side: int, maps: int, filters: str) -> list[str]:
    """Expect one module from the study's notation, such as "64; 96 128; 16 32; 32"."""
    one, three, five, pooled = filters.split(";")
    (reduce3, large3), (reduce5, large5) = three.split(), five.split()
    at = f"{side}x{side}x"
    widths = (one, large3, large5, pooled)
    return [
        conv(at + one, 1, 1, "same", "relu"),
        conv(at + reduce3, 1, 1, "same", "relu"),
        conv(at + large3, 3, 1, "same", "relu"),
        conv(at + reduce5, 1, 1, "same", "relu"),
        conv(at + large5, 5, 1, "same", "relu"),
        pool("Max", f"{at}{maps}", 3, 1, ", same"),
        conv(at + pooled.strip(), 1, 1, "same", "relu"),
        f"Concatenate {at}{sum(map(int, widths))} : ",
    ]


def auxiliary_head(maps: int) -> list[str]:
    return [
        pool("Average", f"3x3x{maps}", 5, 3),
        conv("3x3x128", 1, 1, "same", "relu"),
        flatten(1152),
        dense(256),
        dropout("256", 0.4),
        dense(10, "softmax"),
        "Rescaling 10 : factor 0.3",
    ]


def googlenet_layers() -> list[str]:
    return [
        IMAGE,
        ZERO_PADDING,
        *(conv("18x18x32", 3, 2, "valid"), norm("18x18x32"), relu("18x18x32")),
        pool("Max", "17x17x32", 2, 1),
        *(conv("15x15x192", 3, 1, "valid"), norm("15x15x192"), relu("15x15x192")),
        *(conv("13x13x192", 3, 1, "valid"), norm("13x13x192"), relu("13x13x192")),
        pool("Max", "12x12x192", 2, 1),
        *inception(12, 192, "64; 96 128; 16 32; 32"),
        *inception(12, 256, "128; 128 192; 32 96; 64"),
        pool("Max", "11x11x480", 2, 1),
        *inception(11, 480, "192; 96 208; 16 48; 64"),
        *inception(11, 512, "160; 112 224; 24 64; 64"),
        *inception(11, 512, "128; 128 256; 24 24; 64"),
        *inception(11, 472, "112; 144 288; 32 64; 64"),
        *inception(11, 528, "256; 120 320; 32 128; 128"),
        pool("Max", "10x10x832", 2, 1),
        *inception(10, 832, "256; 160 320; 32 128; 128"),
        *inception(10, 832, "384; 192 384; 48 128; 128"),
        pool("Average", "4x4x1024", 7, 1),
        dropout("4x4x1024", 0.4),
        flatten(16384),
        dense(1000),
        dense(10, "softmax"),
        *auxiliary_head(512),
        *auxiliary_head(528),
        "Add 10 : ",
    ]


LAYERS = {
    "lenet": lenet_layers(),
    "alexnet": alexnet_layers(),
    "vgg16": vgg16_layers(),
    "resnet50": resnet50_layers(),
    "googlenet": googlenet_layers(),
}


# --- fixtures ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request: pytest.FixtureRequest) -> keras.Model:
    """Each network once, for 10 classes; the model carries its name."""
    keras.utils.set_random_seed(7)
    return build_network(request.param, SHAPE, 10)


@pytest.fixture(scope="module")
def googlenet() -> keras.Model:
    return build_network("googlenet", SHAPE, 10)


@pytest.fixture(scope="module")
def lenet() -> keras.Model:
    return build_network("lenet", SHAPE, 10)


def row_texts(architecture: Architecture) -> list[str]:
    return [
        f"{layer.kind} {'x'.join(map(str, layer.output_shape))} {layer.activation}: "
        + layer.settings.replace("\N{MULTIPLICATION SIGN}", "x")
        for layer in architecture.layers
    ]


def totals(model: keras.Model) -> tuple[int, int, int]:
    facts = describe(model)
    return facts.parameters, facts.trainable_parameters, facts.non_trainable_parameters


def sources(architecture: Architecture) -> dict[str, list[str]]:
    return {layer.name: layer.inputs for layer in architecture.layers}


# --- the networks are the study's ----------------------------------------------------------------


def test_parameter_totals_for_10_classes(network: keras.Model) -> None:
    assert totals(network) == PARAMETERS[network.name, 10]


def test_parameter_totals_for_100_classes_and_the_same_names(network: keras.Model) -> None:
    another = build_network(network.name, SHAPE, 100)
    assert totals(another) == PARAMETERS[network.name, 100]
    assert [layer.name for layer in another.layers] == [layer.name for layer in network.layers]


def test_layers_are_the_described_ones_in_their_order(network: keras.Model) -> None:
    assert row_texts(describe(network)) == LAYERS[network.name]


def test_initialisers(network: keras.Model) -> None:
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel_initializer")]
    assert {type(layer.kernel_initializer).__name__ for layer in kernels} == {
        INITIALISERS[network.name]
    }


def test_layer_parameters_add_up(network: keras.Model) -> None:
    facts = describe(network)
    assert sum(layer.parameters for layer in facts.layers) == facts.parameters


def test_output_is_a_probability_for_each_class(network: keras.Model) -> None:
    images = np.random.default_rng(0).random((3, *SHAPE), dtype=np.float32)
    scores = network.predict(images, verbose=0)
    # GoogLeNet's single output adds two auxiliary heads with weight 0.3 each.
    expected = 1.6 if network.name == "googlenet" else 1.0
    assert scores.shape == (3, 10)
    assert scores.min() >= 0
    np.testing.assert_allclose(scores.sum(axis=1), expected, rtol=1e-5)
    main = keras.Model(network.input, network.get_layer("main").output)
    np.testing.assert_allclose(main.predict(images, verbose=0).sum(axis=1), 1, rtol=1e-5)


def test_the_seed_decides_the_weights(network: keras.Model) -> None:
    keras.utils.set_random_seed(7)
    same = build_network(network.name, SHAPE, 10)
    other = build_network(network.name, SHAPE, 10)
    kernels = [layer.name for layer in network.layers if hasattr(layer, "kernel_initializer")]
    for name in kernels:
        kernel = network.get_layer(name).kernel.numpy()
        assert np.array_equal(kernel, same.get_layer(name).kernel.numpy()), name
        assert not np.array_equal(kernel, other.get_layer(name).kernel.numpy()), name


def test_resnet50_shortcuts() -> None:
    inputs = sources(describe(build_network("resnet50", SHAPE, 10)))
    assert (
        inputs["stage3_block1_shortcut"] == inputs["stage3_block1_conv1"] == ["stage2_block3_relu"]
    )
    assert inputs["stage3_block1_add"] == ["stage3_block1_conv3_bn", "stage3_block1_shortcut_bn"]
    assert inputs["stage3_block2_add"] == ["stage3_block2_conv3_bn", "stage3_block1_relu"]


def test_googlenet_branches(googlenet: keras.Model) -> None:
    inputs = sources(describe(googlenet))
    branches = ["1x1", "3x3", "5x5", "pool_reduce"]
    assert inputs["inception4b"] == [f"inception4b_{branch}" for branch in branches]
    assert inputs["inception4b_3x3"] == ["inception4b_3x3_reduce"]
    assert inputs["inception4b_5x5"] == ["inception4b_5x5_reduce"]
    assert inputs["inception4b_pool_reduce"] == ["inception4b_pool"]
    for first in ("1x1", "3x3_reduce", "5x5_reduce", "pool"):
        assert inputs[f"inception4b_{first}"] == ["inception4a"]
    assert inputs["aux1_pool"] == ["inception4a"]
    assert inputs["aux2_pool"] == ["inception4d"]
    assert inputs["weighted_sum"] == ["main", "aux1_weighted", "aux2_weighted"]


def test_googlenet_heads_can_be_taken_apart(googlenet: keras.Model) -> None:
    names = ("main", "aux1", "aux2")
    heads = keras.Model(googlenet.input, [googlenet.get_layer(name).output for name in names])
    images = np.random.default_rng(1).random((2, *SHAPE), dtype=np.float32)
    main, aux1, aux2 = heads.predict(images, verbose=0)
    summed = googlenet.predict(images, verbose=0)
    np.testing.assert_allclose(summed, main + 0.3 * aux1 + 0.3 * aux2, rtol=1e-5)
    assert totals(heads) == PARAMETERS["googlenet", 10]


# --- what a network refuses ----------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo[ModelError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def shape_with(side: int, axis: int) -> tuple[int, int, int]:
    return (side, 40, 3) if axis == 0 else (40, side, 3)


@pytest.mark.parametrize("axis", [0, 1], ids=["height", "width"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_smallest_image_builds_and_the_next_smaller_is_refused(name: str, axis: int) -> None:
    smallest = SMALLEST_SIDES[name]
    model = build_network(name, shape_with(smallest, axis), 10)
    assert model.output_shape == (None, 10)
    with pytest.raises(ModelError) as error:
        build_network(name, shape_with(smallest - 1, axis), 10)
    assert f"{name}: the smallest image it can take is {smallest}x{smallest}" in one_line(error)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_smaller_image_would_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our own check it is Keras that finds no room for a window."""
    monkeypatch.setattr(importlib.import_module(f"cnnreport.models.{name}"), "SMALLEST_SIDE", 1)
    side = SMALLEST_SIDES[name] - 1
    with pytest.raises(ValueError, match="output size would be zero or negative"):
        build_network(name, (side, side, 3), 10)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    "shape",
    [(32, 32), (32, 32, 3, 1), (32, 32, 0), (-32, 32, 3), (32.0, 32, 3), (True, 32, 3), 32, None],
    ids=str,
)
def test_an_input_shape_must_be_three_lengths(name: str, shape: Any) -> None:
    with pytest.raises(ModelError) as error:
        build_network(name, shape, 10)
    assert f"{name}: wanted an input shape (height, width, channels)" in one_line(error)
    assert repr(shape) in one_line(error)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("classes", [1, 0, -3, 10.0, True, "10", None], ids=repr)
def test_there_must_be_two_classes(name: str, classes: Any) -> None:
    with pytest.raises(ModelError, match="at least 2 classes") as error:
        build_network(name, SHAPE, classes)
    assert one_line(error).endswith(f"came {classes!r}")


def test_an_unknown_network_is_answered_with_the_file_it_lacks() -> None:
    with pytest.raises(ModelError) as error:
        build_network("lenet5", SHAPE, 10)
    message = one_line(error)
    assert "'lenet5'" in message
    assert "models/lenet5.py" in message
    assert "cnnreport check" in message


def test_images_may_be_grey_and_need_not_be_square() -> None:
    model = build_network("lenet", (20, 36, 1), 2)
    # 36 - 4 = 32, 16, 12, 6 and 20 - 4 = 16, 8, 4, 2
    assert model.get_layer("pool2").output.shape == (None, 2, 6, 16)
    assert model.get_layer("conv1").kernel.shape == (5, 5, 1, 6)


# --- counting ------------------------------------------------------------------------------------


def test_macs_of_lenet_by_hand(lenet: keras.Model) -> None:
    convolutions = 28 * 28 * 6 * (5 * 5 * 3) + 10 * 10 * 16 * (5 * 5 * 6)
    assert describe(lenet).macs == convolutions + 400 * 120 + 120 * 84 + 84 * 10


def test_macs_of_vgg16_agree_with_the_published_count() -> None:
    """15.5 G, as commonly published for configuration D of Simonyan and Zisserman (2015)."""
    # Without its 124 million dense weights, which would take seconds to initialise.
    model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
    dense_layers = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert describe(model).macs + dense_layers == pytest.approx(15.47e9, rel=1e-3)


def test_macs_of_resnet50_agree_with_the_published_count() -> None:
    """3.8 G multiply-adds, cut to two digits, in He et al. (2016), table 1."""
    model = keras.applications.ResNet50(weights=None)
    assert describe(model).macs == pytest.approx(3.86e9, rel=1e-3)


def convolutions(model: keras.Model) -> list[keras.layers.Conv2D]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def test_macs_of_our_lenet_are_the_published_connections() -> None:
    """LeCun et al. (1998), section II.B: connections of C1, C3, C5 and F6, biases included."""
    model = build_network("lenet", (32, 32, 1), 10)
    connections = {
        layer.name: layer_macs(layer) + layer.output.shape[-1] * places
        for layer, places in (
            (model.get_layer("conv1"), 28 * 28),
            (model.get_layer("conv2"), 10 * 10),
            (model.get_layer("dense1"), 1),
            (model.get_layer("dense2"), 1),
        )
    }
    # In the paper 36 of the 16 x 6 pairs of maps of C3 are not connected; ours are.
    assert connections["conv2"] - 36 * 5 * 5 * 10 * 10 == 151_600
    del connections["conv2"]
    assert connections == {"conv1": 122_304, "dense1": 48_120, "dense2": 10_164}


def test_macs_of_our_vgg16_are_the_published_ones_on_smaller_maps() -> None:
    """Each map has a 49th of the places it has with images of 224 x 224; the kernels are equal."""
    ours = sum(layer_macs(layer) for layer in convolutions(build_network("vgg16", SHAPE, 10)))
    dense_layers = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert 49 * ours + dense_layers == pytest.approx(15.47e9, rel=1e-3)


def test_macs_of_our_resnet50_are_the_published_ones_on_smaller_maps() -> None:
    """The kernels are equal, so only the sides of the maps make the difference to 3.8 G."""
    published_side = {19: 112, 9: 56, 5: 28, 3: 14, 2: 7}
    total = 2048 * 1000
    for layer in convolutions(build_network("resnet50", SHAPE, 10)):
        side = layer.output.shape[1]
        total += layer_macs(layer) // side**2 * published_side[side] ** 2
    assert total == pytest.approx(3.86e9, rel=1e-3)


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (keras.layers.Conv2D(8, 3, groups=2), (6, 6, 4), 4 * 4 * 8 * 3 * 3 * 2),
        (keras.layers.Conv2D(8, 3, strides=2, padding="same"), (7, 5, 4), 4 * 3 * 8 * 3 * 3 * 4),
        (keras.layers.DepthwiseConv2D(3), (6, 6, 4), 4 * 4 * 4 * 3 * 3),
        (keras.layers.Dense(5), (7,), 7 * 5),
        (keras.layers.Dense(5), (3, 7), 3 * 7 * 5),
        (keras.layers.BatchNormalization(), (6, 6, 4), 0),
        (keras.layers.AveragePooling2D(2), (6, 6, 4), 0),
    ],
    ids=["grouped", "strided", "depthwise", "dense", "dense by row", "normalisation", "pooling"],
)
def test_macs_of_a_layer(layer: keras.Layer, shape: tuple[int, ...], macs: int) -> None:
    layer(keras.Input(shape))
    assert layer_macs(layer) == macs


def test_macs_of_the_main_head_leave_the_auxiliary_heads_out(googlenet: keras.Model) -> None:
    whole, main = describe(googlenet), describe(googlenet, "main")
    dense_layers = 1152 * 256 + 256 * 10
    auxiliary = 9 * 512 * 128 + 9 * 528 * 128 + 2 * dense_layers
    assert whole.macs - main.macs == auxiliary
    assert main.layers == whole.layers
    assert main.parameters == whole.parameters


def test_an_unknown_output_layer_is_refused(lenet: keras.Model) -> None:
    with pytest.raises(ModelError, match="no layer 'aux1'") as error:
        describe(lenet, "aux1")
    assert "main" in one_line(error)


def test_settings_name_groups_and_oblong_windows() -> None:
    image = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(6, (1, 3), strides=(1, 2), groups=2)(image)
    row = describe(keras.Model(image, x)).layers[-1]
    assert row.activation == ""
    assert row.settings.replace("\N{MULTIPLICATION SIGN}", "x") == (
        "6 filters 1x3, stride 1x2, valid, 2 groups"
    )


def test_an_architecture_survives_its_file(lenet: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "architecture.json"
    path.write_text(to_json(describe(lenet)), encoding="utf-8")
    assert load_json(path, Architecture) == describe(lenet)


# --- a network of somebody else ------------------------------------------------------------------


def added(monkeypatch: pytest.MonkeyPatch, build: Any) -> None:
    """Let there be a network `mynet`, whose file has this function."""
    module = ModuleType("cnnreport.models.mynet")
    if build is not None:
        module.build = build  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


def plain(end: Any = None, answers: int = 10, **options: Any) -> Any:
    """A function that builds a convolution and an answer."""

    def build(shape: tuple[int, int, int], classes: int) -> keras.Model:
        image = keras.Input(shape)
        x = layers.Conv2D(2, 3, **options)(image)
        x = end(x) if end else x
        return keras.Model(image, softmax(layers.Flatten()(x), classes + answers - 10))

    return build


def sequential(*more: keras.Layer) -> Any:
    def build(shape: tuple[int, int, int], classes: int) -> keras.Model:
        answer = layers.Dense(classes, "softmax", name="main")
        return keras.Sequential([*more, layers.Flatten(), answer])

    return build


def test_a_sequential_network_is_described_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    added(monkeypatch, sequential(keras.Input(SHAPE), layers.Conv2D(4, 3, name="first")))
    network = build_network("mynet", SHAPE, 10)
    assert (network.name, network.output_shape) == ("mynet", (None, 10))
    table = describe(network)
    assert [layer.kind for layer in table.layers] == ["InputLayer", "Conv2D", "Flatten", "Dense"]
    assert table.macs == 30 * 30 * 9 * 3 * 4 + 30 * 30 * 4 * 10


def twice(x: keras.KerasTensor) -> keras.KerasTensor:
    layer = layers.Conv2D(2, 3, padding="same", name="again")
    return layer(layer(x))


def inner(x: keras.KerasTensor) -> keras.KerasTensor:
    image = keras.Input((30, 30, 2))
    return keras.Model(image, layers.Conv2D(2, 3)(image), name="inner")(x)


def nothing(shape: tuple[int, int, int], classes: int) -> None:
    """Forget to return the network."""


def subclassed(shape: tuple[int, int, int], classes: int) -> keras.Model:
    return Subclassed()


def no_softmax(shape: tuple[int, int, int], classes: int) -> keras.Model:
    image = keras.Input(shape)
    return keras.Model(image, layers.Dense(classes)(layers.Flatten()(image)))


class Subclassed(keras.Model):
    """A network whose layers nobody can list."""


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (None, r"wanted a function build\(input_shape, classes\) in models/mynet.py, came none"),
        (nothing, "wanted a built keras.Model from build.*, came NoneType"),
        (sequential(layers.Conv2D(4, 3)), "wanted a built keras.Model .* came Sequential"),
        (subclassed, "wanted a built keras.Model .* came Subclassed"),
        (plain(answers=11), r"of shapes \(None, 32, 32, 3\) and \(None, 10\), came .*11\)"),
        (no_softmax, "wanted its answer from a layer 'main' with softmax"),
        (plain(twice), "layer 'again' is used more than once"),
        (plain(inner), "layer 'inner' is a network in itself"),
        (plain(layers.SeparableConv2D(2, 3, name="sep")), "layer 'sep' is a SeparableConv2D"),
    ],
    ids=["none", "nothing", "unbuilt", "subclass", "classes", "logits", "twice", "inner", "kind"],
)
def test_what_the_report_cannot_describe_is_refused(
    monkeypatch: pytest.MonkeyPatch, build: Any, message: str
) -> None:
    added(monkeypatch, build)
    with pytest.raises(ModelError, match=message) as error:
        build_network("mynet", SHAPE, 10)
    assert one_line(error).startswith("mynet: ")


def test_a_mistake_in_a_networks_imports_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'tocrh'", name="tocrh")

    monkeypatch.setattr("cnnreport.models.importlib.import_module", missing)
    with pytest.raises(ModuleNotFoundError, match="tocrh"):
        build_network("mynet", SHAPE, 10)
