"""The shape of a network, found in the record of its layers."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnreport.quantities import depth
from cnnreport.records import Architecture, Layer, parse
from cnnreport.topology import Role, layer_macs, repeated, side_heads, steps, trunk

RESULTS = Path(__file__).parents[1] / "results/digits"
MODELS = ("lenet", "alexnet", "vgg16", "resnet50", "googlenet")


def record_of(model: str) -> Architecture:
    return parse((RESULTS / model / "architecture.json").read_text(encoding="utf-8"), Architecture)


def layer(name: str, kind: str, shape: list[int], inputs: list[str], **more: object) -> Layer:
    parts = {"parameters": 0, "activation": "", "settings": ""} | more
    return Layer(name=name, kind=kind, output_shape=shape, inputs=inputs, **parts)  # type: ignore[arg-type]


def made_of(layers: list[Layer], macs: int = 0) -> Architecture:
    parameters = sum(each.parameters for each in layers)
    return Architecture(layers, parameters, parameters, 0, macs)


@pytest.mark.parametrize(
    ("model", "wanted"),
    # GoogLeNet has 22 in the paper, where no dense layer of 1000 units stands before the last.
    [("lenet", 5), ("alexnet", 8), ("vgg16", 16), ("resnet50", 50), ("googlenet", 22 + 1)],
)
def test_depth_is_what_the_literature_counts(model: str, wanted: int) -> None:
    assert depth(record_of(model)) == wanted


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("lenet", []),
        ("vgg16", []),
        ("resnet50", [("Add", 3), ("Add", 4), ("Add", 6), ("Add", 3)]),
        ("googlenet", [("Concatenate", 2), ("Concatenate", 5), ("Concatenate", 2)]),
    ],
)
def test_blocks_are_grouped_by_the_size_of_their_maps(
    model: str, wanted: list[tuple[str, int]]
) -> None:
    groups = repeated(steps(trunk(record_of(model))))
    assert [(g[0].lead.kind, len(g)) for g in groups if g[0].joined] == wanted


def test_convolutions_of_vgg_are_grouped_by_the_poolings_between_them() -> None:
    groups = repeated(steps(trunk(record_of("vgg16"))))
    assert [len(g) for g in groups if g[0].role is Role.CONVOLUTION] == [2, 2, 3, 3, 3]
    assert all(len(g) == 1 for g in groups if g[0].role in {Role.DENSE, Role.POOLING})


def test_heads_beside_the_trunk_are_those_of_googlenet() -> None:
    heads = side_heads(record_of("googlenet"))
    assert [head.source for head in heads] == ["inception4a", "inception4d"]
    assert [head.layers[-1].name for head in heads] == ["aux1_weighted", "aux2_weighted"]
    assert not any(side_heads(record_of(model)) for model in MODELS if model != "googlenet")


@pytest.mark.parametrize("model", MODELS)
def test_the_work_of_the_layers_is_that_of_the_record(model: str) -> None:
    record = record_of(model)
    work = layer_macs(record)
    assert work is not None
    assert sum(work.values()) == record.macs


def test_the_work_of_googlenet_with_all_heads_is_found_too() -> None:
    record = record_of("googlenet")
    heads = 2 * (3 * 3 * 128 * 256 + 256 * 10) + 3 * 3 * 128 * (512 + 528)
    work = layer_macs(replace(record, macs=record.macs + heads))
    assert work is not None
    assert "aux1_conv" in work


def test_a_record_that_does_not_tell_its_work_gets_none() -> None:
    assert layer_macs(replace(record_of("lenet"), macs=1)) is None
    unknown = [
        layer("image", "InputLayer", [8, 8, 3], []),
        layer("dw", "DepthwiseConv2D", [8, 8, 3], ["image"], parameters=30),
    ]
    assert layer_macs(made_of(unknown, macs=8 * 8 * 27)) is None


def test_grouped_convolutions_use_the_maps_of_their_group() -> None:
    layers = [
        layer("image", "InputLayer", [8, 8, 4], []),
        layer(
            "conv",
            "Conv2D",
            [8, 8, 6],
            ["image"],
            settings="6 filters 3\N{MULTIPLICATION SIGN}5, stride 1, same, 2 groups",
        ),
    ]
    work = 8 * 8 * 6 * 3 * 5 * 2
    assert layer_macs(made_of(layers, macs=work)) == {"conv": work}


def test_what_only_adjusts_belongs_to_the_step_before() -> None:
    found = steps(trunk(record_of("alexnet")))
    by_lead = {step.lead.name: [each.name for each in step.layers] for step in found}
    assert by_lead["conv1"] == ["conv1", "conv1_bn"]
    assert by_lead["pool5"] == ["pool5", "flatten"]
    assert by_lead["dense6"] == ["dense6", "dense6_dropout"]


@st.composite
def networks(draw: st.DrawFn) -> Architecture:
    """Networks of convolutions, adjustments, poolings and blocks, in any order."""
    layers = [layer("image", "InputLayer", [64, 64, 3], [])]
    shape = [64, 64, 3]
    for number, kind in enumerate(draw(st.lists(st.sampled_from("cbpars"), max_size=12))):
        before, name = layers[-1].name, f"l{number}"
        weight = draw(st.integers(1, 9))
        if kind == "c":
            shape = [*shape[:2], 8]
            layers.append(layer(name, "Conv2D", shape, [before], parameters=weight))
        elif kind == "p" and shape[0] > 1:
            shape = [shape[0] // 2, shape[1] // 2, shape[2]]
            layers.append(layer(name, "MaxPooling2D", shape, [before]))
        elif kind == "a":
            layers.append(layer(name, "Activation", shape, [before], activation="relu"))
        elif kind in "bs":
            ways = draw(st.integers(1, 3))
            inner = [f"{name}_{way}" for way in range(ways)]
            layers += [layer(each, "Conv2D", shape, [before], parameters=weight) for each in inner]
            layers.append(layer(name, "Add", shape, [*inner, *([before] if kind == "s" else [])]))
    layers.append(layer("flatten", "Flatten", [math.prod(shape)], [layers[-1].name]))
    layers.append(layer("main", "Dense", [10], ["flatten"], parameters=5))
    return made_of(layers)


@given(networks())
def test_every_layer_of_a_trunk_is_in_one_step_in_order(record: Architecture) -> None:
    assert trunk(record) == record.layers
    found = steps(trunk(record))
    assert [each for step in found for each in step.layers] == record.layers
    assert sum(step.parameters for step in found) == record.parameters
    assert [step for group in repeated(found) for step in group] == found
    blocks = [step for step in found if step.joined]
    assert len(blocks) == sum(len(each.inputs) > 1 for each in record.layers)


@given(networks(), st.integers(0, 20))
def test_a_head_beside_the_trunk_changes_no_step_of_it(record: Architecture, place: int) -> None:
    layers = list(record.layers)
    source = layers[place % len(layers)].name
    head = layer("aux", "Dropout", [10], [source])
    joined = layer("sum", "Add", [10], ["main", "aux"])
    both = made_of([*layers, head, joined])
    assert trunk(both) == layers
    assert [(each.source, [own.name for own in each.layers]) for each in side_heads(both)] == (
        [] if source == "main" else [(source, ["aux"])]
    )
