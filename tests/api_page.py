"""The page docs/api.md: the public names, with their signatures and what their docstrings say first.

`python -m tests.api_page` writes it; the tests fail where it is not what the code says.
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "api.md"

INTRODUCTION = """# The interface

What is public, from the code: `python -m tests.api_page` writes this page, and the tests compare it.
`help(mongoglot.connect)` says more of each: its arguments, units and errors. What is on no page of the
documentation may change without notice.

```python
>>> import mongoglot
>>> "compile" in mongoglot.__all__
True
```
"""

MODULES = {
    "mongoglot": "",
    "mongoglot.cursor": "What `find` of a collection and `mongoglot.find` return.",
    "mongoglot.aio": "The calls of a collection [awaited](async.md).",
    "mongoglot.taskdb": "[The task database](task-database.md) of IPython.",
    "mongoglot.debug": "The stages of `explain()` as plain data, for tools.",
    "mongoglot.testing": "For [authors of engines](new-engine.md#3-is-it-right).",
}
"""The public modules, and a line about each."""

SHORT = 60
"""A default value that takes more characters is not shown."""


class Bare:
    """An annotation or a default, to be printed without quotes around it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def signature(value: Any) -> str:
    """A signature in the words of the code, without `self`."""
    found = inspect.signature(value)
    parameters = []
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        default = parameter.default
        if default is not parameter.empty and (len(repr(default)) > SHORT or isinstance(default, frozenset)):
            default = Bare("…")
        parameters.append(parameter.replace(annotation=bare(parameter.annotation), default=default))
    return str(found.replace(parameters=parameters, return_annotation=bare(found.return_annotation)))


def bare(annotation: Any) -> Any:
    return Bare(annotation) if isinstance(annotation, str) else annotation


def first_words(value: Any) -> str:
    """The first paragraph of a docstring."""
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())


def called(name: str, value: Any) -> str:
    """A name with its signature, as a block."""
    text = textwrap.fill(name + signature(value), 110, subsequent_indent="    ", break_long_words=False)
    return f"```text\n{text}\n```"


def members(value: type) -> list[str]:
    """A list of the public methods and properties of a class, those of its public base classes too."""
    lines = []
    for name, member in inspect.getmembers_static(value):
        owner = next(base for base in value.__mro__ if name in vars(base))
        if name.startswith("_") or not owner.__module__.startswith("mongoglot"):
            continue
        if isinstance(member, property):
            lines.append(f"* `{name}`: {first_words(member)}")
        elif inspect.isfunction(member):
            lines.append(f"* `{name}{signature(member)}`: {first_words(member)}")
    return lines


def entry(name: str, value: Any) -> str:
    """What the page says of one name."""
    parts = [f"### {name}"]
    if inspect.isclass(value):
        if is_dataclass(value):
            parts.append(called(name, value))
        parts.append(first_words(value))
        if not issubclass(value, Exception):
            parts.append("\n".join(members(value)))
    elif callable(value):
        parts += [called(name, value), first_words(value)]
    else:
        return ""
    return "\n\n".join(part for part in parts if part)


def page() -> str:
    """The text of docs/api.md."""
    parts = [INTRODUCTION.strip()]
    for name, line in MODULES.items():
        module = import_module(name)
        parts += [f"## {name}", line or first_words(module)]
        parts += [entry(public, getattr(module, public)) for public in names(module)]
    return "\n\n".join(part for part in parts if part) + "\n"


def names(module: Any) -> list[str]:
    """The public names of a module: `__all__`, or the classes and functions that it defines."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__, key=str.lower)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
