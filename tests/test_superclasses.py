from make_study import PARAMS

from cnnreport.cifar import CIFAR100
from cnnreport.params import load_params
from cnnreport.superclasses import SUPERCLASSES, superclasses_of

PARAMS_OF_PROJECT = load_params(PARAMS)


def test_twenty_superclasses_hold_each_class_once():
    names = [name for members in SUPERCLASSES.values() for name in members]
    assert sorted(names) == sorted(CIFAR100.class_names)
    assert {len(members) for members in SUPERCLASSES.values()} == {5}
    assert list(SUPERCLASSES) == sorted(SUPERCLASSES)
    assert len(SUPERCLASSES) == 20


def test_all_classes_and_those_of_a_subset_are_grouped():
    found = superclasses_of(PARAMS_OF_PROJECT, "cifar100", CIFAR100.class_names)
    assert found == SUPERCLASSES
    objects = PARAMS_OF_PROJECT.subsets["cifar100-objects"].classes
    assert superclasses_of(PARAMS_OF_PROJECT, "cifar100-objects", objects) == {
        "household furniture": ("bed", "chair", "couch", "table", "wardrobe"),
        "vehicles 1": ("bicycle", "bus", "motorcycle", "train"),
        "vehicles 2": ("streetcar",),
    }


def test_other_image_sets_and_a_single_superclass_are_not_grouped():
    assert superclasses_of(PARAMS_OF_PROJECT, "cifar10", ["bear", "bed"]) == {}
    assert superclasses_of(PARAMS_OF_PROJECT, "digits", ["0", "1"]) == {}
    assert superclasses_of(PARAMS_OF_PROJECT, "cifar100", ["bed", "chair"]) == {}
