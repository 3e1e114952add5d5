"""The twenty superclasses of CIFAR-100, five classes each."""

from collections.abc import Sequence

from cnnreport.params import Params

SUPERCLASSES = {
    name: tuple(classes.split())
    for name, classes in (
        ("aquatic mammals", "beaver dolphin otter seal whale"),
        ("fish", "aquarium_fish flatfish ray shark trout"),
        ("flowers", "orchid poppy rose sunflower tulip"),
        ("food containers", "bottle bowl can cup plate"),
        ("fruit and vegetables", "apple mushroom orange pear sweet_pepper"),
        ("household electrical devices", "clock keyboard lamp telephone television"),
        ("household furniture", "bed chair couch table wardrobe"),
        ("insects", "bee beetle butterfly caterpillar cockroach"),
        ("large carnivores", "bear leopard lion tiger wolf"),
        ("large man-made outdoor things", "bridge castle house road skyscraper"),
        ("large natural outdoor scenes", "cloud forest mountain plain sea"),
        ("large omnivores and herbivores", "camel cattle chimpanzee elephant kangaroo"),
        ("medium-sized mammals", "fox porcupine possum raccoon skunk"),
        ("non-insect invertebrates", "crab lobster snail spider worm"),
        ("people", "baby boy girl man woman"),
        ("reptiles", "crocodile dinosaur lizard snake turtle"),
        ("small mammals", "hamster mouse rabbit shrew squirrel"),
        ("trees", "maple_tree oak_tree palm_tree pine_tree willow_tree"),
        ("vehicles 1", "bicycle bus motorcycle pickup_truck train"),
        ("vehicles 2", "lawn_mower rocket streetcar tank tractor"),
    )
}
"""Superclass to classes, both in the order of their labels.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report,
University of Toronto, 2009; the classes of each agree with the labels in the image set itself.
"""


def superclasses_of(
    params: Params, dataset: str, class_names: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return which of an image set's classes belong to which superclass; both keep their order.

    Empty where the image set is not CIFAR-100 or made of its classes, or of a single superclass.
    """
    source = params.subsets[dataset].source if dataset in params.subsets else dataset
    if source != "cifar100":
        return {}
    groups = {
        superclass: tuple(name for name in class_names if name in members)
        for superclass, members in SUPERCLASSES.items()
    }
    found = {superclass: names for superclass, names in groups.items() if names}
    return found if len(found) > 1 else {}
