"""How DVC keeps files: each under the MD5 of its content, a folder as a list of its files.

The list is an object as well; `FOLDER` ends its name. `LOCK_FILE` says which objects
a project needs.
"""

import json

LOCK_FILE = "dvc.lock"
FOLDER = ".dir"
OBJECTS = "files/md5"


def object_name(digest: str) -> str:
    """Return where an object lies in a cache or a remote."""
    return f"{OBJECTS}/{digest[:2]}/{digest[2:]}"


def content_md5(digest: str) -> str:
    """Return the MD5 that the content of an object must have."""
    return digest.removesuffix(FOLDER)


def is_folder(digest: str) -> bool:
    """Return whether an object is the list of a folder."""
    return digest.endswith(FOLDER)


def members(listed: str) -> dict[str, str]:
    """Return the MD5 of each file of a folder by its path in it, from the folder's list."""
    return {member["relpath"]: member["md5"] for member in json.loads(listed)}
