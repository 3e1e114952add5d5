"""Read params.yaml into frozen, checked records; the only reader of that file.

Types are checked strictly, since YAML and ``-S`` let many things through that only look like a
number: ``100.0``, ``"100"`` and ``ten`` are all refused for ``epochs``, with one line each.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cnnreport.errors import ParamsError

BASE_DATASETS = ("digits", "cifar10", "cifar100")
"""Image sets that are not made from another one."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
PositiveInt = Annotated[int, Field(ge=1)]
Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Data(_Record):
    """Where images come from and how the training images are split."""

    cifar_folder: str
    validation_fraction: Fraction
    split_seed: Annotated[int, Field(ge=0)]


class Subset(_Record):
    """An image set made of some classes of another one, in the order given."""

    source: Literal["cifar10", "cifar100"]
    classes: Annotated[list[str], Field(min_length=2)]


class Folder(_Record):
    """An image set made from a folder of images; `cnnreport.folders` says how it is read.

    `path` is taken from the folder of params.yaml on. `size` is the side in pixels to which every
    image is brought, `fit` what becomes of one that is no square: ``crop`` keeps its middle,
    ``pad`` adds black at two sides, ``stretch`` bends it. `test_fraction` counts where the folder
    has no test/ of its own.
    """

    path: Annotated[str, Field(min_length=1)]
    classes: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=2)]
    size: Annotated[int, Field(ge=32, le=256)] = 32
    fit: Literal["crop", "pad", "stretch"] = "crop"
    test_fraction: Fraction = 0.2
    title: str = ""


class Schooling(_Record):
    """How many epochs a profile gives one network."""

    epochs: PositiveInt
    by_dataset: dict[str, PositiveInt] = {}

    def epochs_on(self, dataset: str) -> int:
        """Return the epochs for an image set, its own number before the general one."""
        return self.by_dataset.get(dataset, self.epochs)


class Recipe(_Record):
    """How one network is trained; `cnnreport.recipes` turns it into Keras objects.

    ``learning_rate`` is the peak of the schedule where there is one. ``heads`` says what becomes
    of GoogLeNet's two auxiliary classifiers: ``summed`` into the output as the original study
    did, or ``weighted`` losses in training and the main head alone in testing. ``flip`` mirrors
    half of the images, ``shift`` moves each by up to so many pixels (`cnnreport.augmentation`).
    ``class_weights``: with ``balanced`` every class counts as much as another in the loss, however
    many images it has (`cnnreport.training.class_weights`).
    ``by_dataset`` holds, by image set, the settings that are others there.
    """

    optimizer: Literal["adam", "sgd"]
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    batch_size: PositiveInt
    schedule: Literal["constant", "one_cycle"] = "constant"
    pixels: Literal["unit", "standardised"] = "unit"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    batch_norm_momentum: Fraction | None = None
    flip: bool = False
    shift: Annotated[int, Field(ge=0, le=15)] = 0
    heads: Literal["summed", "weighted"] = "summed"
    class_weights: Literal["equal", "balanced"] = "equal"
    by_dataset: dict[str, dict[str, Any]] = {}

    @model_validator(mode="after")
    def _changes_fit(self) -> "Recipe":
        for dataset in self.by_dataset:
            try:
                self.on(dataset)
            except ValidationError as error:
                line = _one_line(error.errors()[0])
                raise ValueError(f"by_dataset.{dataset}.{line}") from error
        return self

    def on(self, dataset: str) -> "Recipe":
        """Return the recipe for an image set: what `by_dataset` says of it goes first."""
        own = {**self.model_dump(), "by_dataset": {}}
        return Recipe.model_validate(own | self.by_dataset.get(dataset, {}))


class Params(_Record):
    """The whole of params.yaml.

    Studies of before there was `threads` used as many as their machine had cores; so does None.
    """

    profile: str
    recipe: Literal["report", "modern"]
    epochs: PositiveInt | None
    precision: Precision = "float32"
    threads: PositiveInt | None = None
    gpus: Annotated[int, Field(ge=0)] | None = None
    datasets: Annotated[list[Name], Field(min_length=1)]
    models: Annotated[list[Name], Field(min_length=1)]
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(min_length=1)]
    data: Data
    subsets: dict[Name, Subset]
    folders: dict[Name, Folder] = {}
    profiles: dict[str, dict[str, Schooling]]
    recipes: dict[Literal["report", "modern"], dict[str, Recipe]]

    @model_validator(mode="after")
    def _names_resolve(self) -> "Params":
        for key in ("datasets", "models", "seeds"):
            values = getattr(self, key)
            if len(set(values)) != len(values):
                raise ValueError(f"{key}: each entry may stand there once, came {values}")
        _require(self.profile, self.profiles, "profile")
        _require(self.recipe, self.recipes, "recipe")
        for model in self.models:
            for part, chosen in (("recipes", self.recipe), ("profiles", self.profile)):
                entries = getattr(self, part)[chosen]
                if model not in entries:
                    known = ", ".join(entries)
                    raise ValueError(f"models: '{model}' has no entry in {part}.{chosen}: {known}")
        return self

    @model_validator(mode="after")
    def _image_sets_resolve(self) -> "Params":
        for key, names in (("subsets", self.subsets), ("folders", self.folders)):
            for name in sorted(set(names) & set(BASE_DATASETS)):
                raise ValueError(f"{key}: '{name}' is the name of an image set of its own")
        for name in sorted(set(self.subsets) & set(self.folders)):
            raise ValueError(f"folders: '{name}' is the name of a subset already")
        for name, folder in self.folders.items():
            if len(set(folder.classes)) != len(folder.classes):
                raise ValueError(f"folders.{name}.classes: each class may stand there once")
        for dataset in self.datasets:
            _require(dataset, self.image_sets, "datasets")
        for name, recipes in self.recipes.items():
            for model, recipe in recipes.items():
                for dataset in recipe.by_dataset:
                    _require(dataset, self.image_sets, f"recipes.{name}.{model}.by_dataset")
        return self

    @property
    def image_sets(self) -> tuple[str, ...]:
        """The names of all image sets that there are."""
        return (*BASE_DATASETS, *self.subsets, *self.folders)

    def epochs_for(self, model: str, dataset: str) -> int:
        """Return the epochs of one cell: the override, else what the profile says."""
        return self.epochs or self.profiles[self.profile][model].epochs_on(dataset)

    def recipe_for(self, model: str, dataset: str) -> Recipe:
        """Return how a network is trained on an image set under the chosen recipe."""
        return self.recipes[self.recipe][model].on(dataset)


def _require(name: str, known: Any, key: str) -> None:
    if name not in known:
        raise ValueError(f"{key}: unknown '{name}'; known: {', '.join(known)}")


def load_params(path: Path) -> Params:
    """Read and check a params.yaml.

    Raises:
        ParamsError: the file is missing, is no YAML mapping or holds a wrong value; one line that
            names the first wrong key, what was wanted and what came.

    """
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(f"{path}: cannot be read ({error.strerror})") from error
    except YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(raw, dict):
        raise ParamsError(f"{path}: wanted a mapping of parameters, came {type(raw).__name__}")
    return parse_params(raw, str(path))


def parse_params(raw: dict[str, Any], source: str = "params.yaml") -> Params:
    """Check a mapping of parameters; `source` names it in errors."""
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise ParamsError(f"{source}: {_one_line(error.errors()[0])}") from error


def declared_values(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    """Return the values of dotted keys as they stand in a params.yaml, unchecked.

    None for a key that is not there, or where the file cannot be read: this is asked at the end of
    a training as well, when somebody may be half-way through an edit.
    """
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, YAMLError):
        raw = None
    return {key: _at(raw, key.split(".")) for key in keys}


def _at(raw: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        raw = raw.get(part) if isinstance(raw, dict) else None
    return raw


def _one_line(error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in error["loc"])
    if not key:
        return message
    if error["type"] == "missing":
        return f"{key}: is missing"
    if error["type"] == "value_error" and isinstance(error["input"], dict):
        return f"{key}.{message}"  # one of a recipe's own checks, which say what came
    return f"{key}: {message[0].lower()}{message[1:]}, came {error['input']!r}"
