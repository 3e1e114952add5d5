"""What is said of every picture that shows pixels of an image set: words and sizes, no pixels.

The pictures lie in a folder that git ignores and DVC keeps, since images of others are not ours to
publish. Their texts are tracked, so that pages can be written where no picture is at hand.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from cnnreport.errors import InputError

FOLDER, INDEX = "pictures", "pictures.json"
"""The folder of the pictures and the file of their texts, side by side."""

FileName = Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")]


@dataclass(frozen=True)
class Picture:
    """A picture: its files for the light and the dark page, its texts, its size in CSS pixels."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    file: FileName
    dark: FileName
    caption: str
    alt: str
    width: int
    height: int


def load_pictures(path: Path) -> dict[str, Picture]:
    """Read the texts of pictures by name; none where there is no such file.

    Raises:
        InputError: the file has another form.

    """
    try:
        return _PICTURES.validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValidationError, ValueError) as error:
        reason = _reason(error)
        raise InputError(f"{path}: wanted file, texts and size by picture ({reason})") from error


def pictures_json(pictures: Mapping[str, Picture]) -> str:
    """Return the file of the texts, in the order of the names."""
    texts = {name: asdict(pictures[name]) for name in sorted(pictures)}
    return json.dumps(texts, indent=2, ensure_ascii=False) + "\n"


_PICTURES = TypeAdapter(dict[str, Picture])


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
