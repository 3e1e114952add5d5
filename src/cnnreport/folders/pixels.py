"""Turn the bytes of an image file into pixels, or say why that cannot be done."""

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cnnreport.prepared import Images

Fit = Literal["crop", "pad", "stretch"]

MOST_PIXELS = 89_478_485
"""Where Pillow begins to warn: a quarter of a gibibyte at three bytes a pixel."""

WHITE = (255, 255, 255, 255)
"""What shows through a transparent pixel."""

_SEVERAL_IN_ONE = frozenset({"MPO"})
"""Formats of cameras in which the frames after the first are previews or another eye's view."""


class UnusableError(Exception):
    """A file is no image, a damaged one or one that is not read; the text says which."""


def read_pixels(content: bytes, size: int, fit: Fit) -> tuple[Images, str, bool]:
    """Return an image as uint8 of shape (size, size, 3), a note on it, and if it was enlarged.

    A photograph is turned as its EXIF says, transparent pixels become white, 16 bits become 8.
    Of several frames the first is taken, which the note then says; else it is empty.

    Raises:
        UnusableError: it cannot be read as an image; one phrase.

    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            _check(image)
            small = min(image.size) < size
            # A JPEG can be decoded smaller in the first place: many times faster for photographs.
            image.draft("RGB", (2 * size, 2 * size))
            several = image.format not in _SEVERAL_IN_ONE and getattr(image, "is_animated", False)
            pixels = np.asarray(_fitted(_coloured(image), size, fit))
    except UnusableError:
        raise
    except UnidentifiedImageError as error:
        raise UnusableError("no image" if content else "an empty file") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusableError(_TOO_LARGE) from error
    except Exception as error:  # a damaged file may make a decoder fail in any way
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnusableError(f"damaged: {reason[:80]}") from error
    return pixels, "the first of several frames was taken" if several else "", small


_TOO_LARGE = f"more than {MOST_PIXELS // 10**6} million pixels"


def _check(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise UnusableError(_TOO_LARGE)
    if image.format == "EPS":
        raise UnusableError("EPS, which is a program for printers and is not run")


def _coloured(image: Image.Image) -> Image.Image:
    """Return an image in RGB, upright."""
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise UnusableError("its pixels are fractions of a range that is not known")
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, WHITE)
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 2**16 - 1:
        raise UnusableError("its pixels have more than 16 bits")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))


def _fitted(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Return an image as a square; `cnnreport.params.Folder` says what each way does."""
    square, method = (size, size), Image.Resampling.LANCZOS
    if fit == "crop":
        return ImageOps.fit(image, square, method)
    if fit == "pad":
        return ImageOps.pad(image, square, method, color=(0, 0, 0))
    return image.resize(square, method)
