"""Turn the bytes of an image file into pixels, or say why that cannot be done."""

import io
import stat
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cnnreport.prepared import Images

Fit = Literal["crop", "pad", "stretch"]

LARGEST_FILE = 256 * 2**20
"""Bytes; a file beyond it is not opened. The largest photographs have a third of it."""

MOST_PIXELS = 89_478_485
"""Some 89 million, where Pillow begins to warn: a quarter of a gibibyte at three bytes each."""

LARGE = 8_000_000
"""Pixels; of images beyond it one at a time is decoded, which takes up to a gibibyte."""

WHITE = (255, 255, 255, 255)
"""What shows through a transparent pixel."""

DEPTHS = (8, 10, 12, 14, 16)
"""Bits of a pixel that cameras and scanners write into files with room for more."""

TOO_LARGE = f"more than {MOST_PIXELS // 10**6} million pixels"
TOO_MANY_BYTES = f"larger than {LARGEST_FILE // 2**20} MiB"
NO_IMAGE = "no image that can be read (HEIC cannot)"

_SEVERAL_IN_ONE = frozenset({"MPO"})
"""Formats of cameras in which the frames after the first are previews or another eye's view."""

_one_at_a_time = threading.Lock()


class UnusableError(Exception):
    """A file is no image, a damaged one or one that is not read; the text says which."""


def read_file(path: Path) -> bytes:
    """Return what a file holds; a device or pipe, which may have no end, is not opened.

    Raises:
        UnusableError: it is none that is read as an image.
        OSError: it cannot be read.

    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no file"
        raise UnusableError(f"{kind}; name files of images")
    if found.st_size > LARGEST_FILE:
        raise UnusableError(TOO_MANY_BYTES)
    with path.open("rb") as file:
        return file.read(LARGEST_FILE)


def read_pixels(content: bytes, size: int, fit: Fit) -> tuple[Images, str, bool]:
    """Return an image as uint8 of shape (size, size, 3), a note on it, and if it was enlarged.

    A photograph is turned as its EXIF says, transparent pixels become white, more bits become 8.
    What is worth knowing of that stands in the note, which is empty otherwise.

    Raises:
        UnusableError: it cannot be read as an image; one phrase.

    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            _check(image)
            small = min(image.size) < size
            # A JPEG can be decoded smaller in the first place: many times faster for photographs.
            image.draft("RGB", (2 * size, 2 * size))
            with _one_at_a_time if image.width * image.height > LARGE else nullcontext():
                several = image.format not in _SEVERAL_IN_ONE and getattr(
                    image, "is_animated", False
                )
                coloured, depth = _coloured(image, size)
            pixels = np.asarray(_fitted(coloured, size, fit))
    except UnusableError:
        raise
    except UnidentifiedImageError as error:
        raise UnusableError(NO_IMAGE if content else "an empty file") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusableError(TOO_LARGE) from error
    except Exception as error:  # a damaged file may make a decoder fail in any way
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnusableError(f"damaged: {reason[:80]}") from error
    frames = "the first of several frames was taken" if several else ""
    return pixels, "; ".join(note for note in (frames, depth) if note), small


def _check(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise UnusableError(TOO_LARGE)
    if image.format == "EPS":
        raise UnusableError("EPS, which is a program for printers and is not run")


def _coloured(image: Image.Image, size: int) -> tuple[Image.Image, str]:
    """Return an image in RGB, upright, about four times `size` if it was larger, and a note."""
    image, note = ImageOps.exif_transpose(image), ""
    if image.mode == "F":
        raise UnusableError("its pixels are fractions of a range that is not known")
    if image.mode == "I" or image.mode.startswith("I;16"):
        image, note = _eight_bits(image)
    see_through = image.has_transparency_data
    image = image.convert("RGBA" if see_through else "RGB")
    if (factor := min(image.size) // (4 * size)) > 1:
        image = image.reduce(factor)  # so that what follows takes no memory to speak of
    if see_through:
        white = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(white, image).convert("RGB")
    return image, note


def _eight_bits(image: Image.Image) -> tuple[Image.Image, str]:
    """Scale grey values of more than eight bits by the depth that they fill."""
    values = np.asarray(image)
    highest = int(values.max())
    depth = next((bits for bits in DEPTHS if highest < 2**bits), None)
    if depth is None or values.min() < 0:
        raise UnusableError("its pixels have more than 16 bits, or a sign")
    grey = Image.fromarray((values >> (depth - 8)).astype(np.uint8))
    return grey, "" if depth == DEPTHS[-1] else f"taken as grey values of {depth} bits"


def _fitted(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Return an image as a square; `cnnreport.params.Folder` says what each way does."""
    square, method = (size, size), Image.Resampling.LANCZOS
    if fit == "crop":
        return ImageOps.fit(image, square, method)
    if fit == "pad":
        return ImageOps.pad(image, square, method, color=(0, 0, 0))
    return image.resize(square, method)
