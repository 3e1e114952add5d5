"""Folders of images for the tests: small pictures that differ, in as many files as wanted."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(number: int, size: tuple[int, int] = (40, 40)) -> Image.Image:
    """A picture of blocks of colour; another number, another picture."""
    blocks = np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)


def fill(folder: Path, count: int, first: int = 0, suffix: str = ".png") -> list[Path]:
    """Save so many pictures into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:03}{suffix}" for number in range(first, first + count)]
    for number, path in enumerate(paths, first):
        picture(number).save(path)
    return paths


def flowers(root: Path, *, test: bool = False) -> Path:
    """A folder with two classes of ten and six images, in train/ and test/ if wanted."""
    train = root / "train" if test else root
    fill(train / "rose", 10)
    fill(train / "tulip", 6, first=100)
    if test:
        fill(root / "test" / "rose", 3, first=200)
        fill(root / "test" / "tulip", 2, first=300)
    return root
