"""The URL of a store in a file."""

from __future__ import annotations

import re
from pathlib import Path

from mongoglot.compiler.values import is_sayable
from mongoglot.errors import UnsupportedError


def path_of(url: str) -> str:
    """The file that `sqlite:PATH` names: what stands behind the colon, as it is.

    `sqlite:///PATH` is the absolute path `/PATH`, and not one that is relative, as SQLAlchemy reads it.

    Raises:
        UnsupportedError: there is no path, or a host, or options such as `?mode=ro`.
    """
    path = url.removeprefix("sqlite:")
    if path.startswith("//"):
        if not path.startswith("///"):
            raise UnsupportedError(f"{url!r} has a host and no file: write sqlite:PATH, as sqlite:{path[2:]}")
        path = path[2:]
    if not is_sayable(path):
        raise UnsupportedError("the sqlite engine needs the name of a file: write sqlite:PATH")
    if (found := re.search(r"\?\w+=", path)) and not Path(path).exists():
        raise UnsupportedError(
            f"{path[found.start() :]!r} in the URL of a file is not read: options are arguments, as in "
            f"connect({url.partition('?')[0]!r}, synchronous='full')"
        )
    return path
