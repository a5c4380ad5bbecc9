"""Every message: an example raises it and all of its text is pinned; the page of messages is made of this."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.messages import catalogue, page, scene, sites
from tests.messages.catalogue import Entry, Unshown

ENTRIES = [entry for stage in catalogue.stages() for entry in stage.entries]
RIGHT_FORMS = list(dict.fromkeys(entry.right for entry in ENTRIES if entry.right))
INTERNALS = re.compile(r"<class|<function| object at 0x|builtins\.|mongoglot\.\w+\.|Slot\(|Pattern\(")
ROOT = Path(__file__).parent.parent


class Outcomes:
    """What became of the examples, and which places in the sources they passed."""

    def __init__(self) -> None:
        self.recorder = sites.Recorder()
        self.said: dict[str, tuple[str, str]] = {}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """All examples are run once, each in a folder of its own."""
    result = Outcomes()
    with pytest.MonkeyPatch.context() as patch, sites.recorded(result.recorder):
        for entry in ENTRIES:
            patch.chdir(tmp_path_factory.mktemp("example"))
            error = scene.raised(entry.example)
            result.recorder.error(error)
            result.said[entry.example] = scene.described(error)
    return result


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.example[:70])
def test_an_example_says_what_is_pinned(entry: Entry, outcomes: Outcomes) -> None:
    error, text = outcomes.said[entry.example]
    assert error == entry.error
    assert entry.is_text(text), text
    assert entry.cause
    assert entry.cure
    assert not INTERNALS.search(text)


@pytest.mark.parametrize("right", RIGHT_FORMS, ids=lambda right: right[:70])
def test_the_right_form_raises_nothing(right: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scene.run(right)


def test_no_message_stands_there_twice() -> None:
    examples = [entry.example for entry in ENTRIES]
    assert sorted(set(examples)) == sorted(examples)


def test_every_error_in_the_sources_is_shown(outcomes: Outcomes) -> None:
    """Where this fails: add an example to a file of `tests/messages`, or a reason to `unshown.toml`."""
    told = {(each.module, each.source) for each in catalogue.unshown()}
    missing = [
        f"{site.module}:{site.first}: {site.source}"
        for site in sites.sites()
        if not outcomes.recorder.passed(site) and (site.module, site.source) not in told
    ]
    assert not missing, "\n".join(missing)


def test_what_is_not_shown_is_there_and_is_not_shown(outcomes: Outcomes) -> None:
    places: dict[tuple[str, str], list[sites.Site]] = {}
    for site in sites.sites():
        places.setdefault((site.module, site.source), []).append(site)
    for each in catalogue.unshown():
        found = places.get((each.module, each.source))
        assert found, f"{each.module}: {each.source} is in no source"
        assert not all(map(outcomes.recorder.passed, found)), f"{each.module}: {each.source} is shown"


@pytest.mark.parametrize("each", catalogue.unshown(), ids=lambda each: f"{each.module}: {each.source[:50]}")
def test_a_place_that_is_not_shown_has_a_test_or_a_reason(each: Unshown) -> None:
    assert bool(each.test) != bool(each.reason)
    if each.test:
        file, _, name = each.test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        names: set[Any] = {getattr(node, "name", None) for node in ast.walk(tree)}
        assert set(name.split("::")) <= names


def test_the_collector_sees_a_new_error(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = ast.parse(
        "class NewError(MongoglotError): ...\n"
        "def made(text: str) -> NewError:\n"
        "    return NewError(text)\n"
        "raise made('new')\n"
        "raise NewError\n"
        "raise KeyError(1)\n"
    )
    monkeypatch.setattr(sites, "_trees", lambda: {"new.py": tree})
    names = (sites._modules, sites.error_names, sites.factories, sites.sites)
    for each in names:
        each.cache_clear()
    found = [(site.first, site.source) for site in sites.sites()]
    for each in names:
        each.cache_clear()
    assert found == [(3, "NewError(text)"), (4, "made('new')"), (5, "NewError")]


def test_the_page_of_messages_is_this() -> None:
    """Where this fails: `python -m tests.messages.page` writes the page anew."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()
