"""Where a MongoDB server is: the arguments of `pymongo.MongoClient`, as a URL and options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mongoglot.errors import UnsupportedError

DEFAULT_HOST: Final = "localhost"

_URL: Final = re.compile(r"(mongodb(?:\+srv)?://)([^/?]*)(?:/([^?]*))?(\?.*)?", re.S)


def address(
    arguments: Sequence[Any], options: Mapping[str, Any], database: str
) -> tuple[str, dict[str, Any]]:
    """The URL of a database, and the options that are left.

    Args:
        arguments: positional arguments of `MongoClient`: host and port. The host may be several, or a URL.
        options: its keyword arguments.
        database: the name of the database, whatever a URL says.

    Raises:
        UnsupportedError: they do not say one place.

    >>> address(["db.example.org", 27018], {"username": "ada"}, "tasks")
    ('mongodb://db.example.org:27018/tasks', {'username': 'ada', 'authSource': 'admin'})
    """
    if len(arguments) > 2:
        raise UnsupportedError(
            "MongoDB.connection_args is a host and a port; everything else goes to MongoDB.connection_kwargs"
        )
    rest = dict(options)
    given = dict(zip(("host", "port"), arguments, strict=False))
    twice = given.keys() & rest.keys()
    if twice:
        raise UnsupportedError(
            f"MongoDB.connection_args and MongoDB.connection_kwargs both say the {min(twice)}; say it once"
        )
    host, port = (given.get(name, rest.pop(name, None)) for name in ("host", "port"))
    hosts = [host or DEFAULT_HOST] if not isinstance(host, (list, tuple)) else list(host)
    if not all(isinstance(each, str) for each in hosts) or not hosts:
        raise UnsupportedError("the host of MongoDB.connection_args is a name, or a list of names")
    url = _URL.fullmatch(hosts[0])
    if url is None:
        places = ",".join(_with_port(each, port) for each in hosts)
        return f"mongodb://{places}/{database}", _authenticated(rest, "", "", has_user=False)
    scheme, places, source, query = (part or "" for part in url.groups())
    return f"{scheme}{places}/{database}{query}", _authenticated(rest, source, query, has_user="@" in places)


def _with_port(host: str, port: Any) -> str:
    has_port = re.search(r":\d+$", host) and not host.endswith("]") and (host.count(":") == 1 or "]:" in host)
    if port is None or has_port:
        return host
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def _authenticated(options: dict[str, Any], source: str, query: str, *, has_user: bool) -> dict[str, Any]:
    """Options that say where the user is known: not in the database of the tasks because that is in the URL."""
    said = dict(re.findall(r"[?&;]([^=&;]+)=([^&;]*)", query)) | options
    lowered = {name.lower(): value for name, value in said.items()}
    if "authsource" in lowered or not (has_user or "username" in lowered or "authmechanism" in lowered):
        return options
    mechanism = str(lowered.get("authmechanism", "SCRAM")).upper()
    default = "admin" if mechanism.startswith("SCRAM") else "$external"
    return {**options, "authSource": source or default}
