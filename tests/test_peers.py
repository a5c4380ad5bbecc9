"""The table of peers in the README: how answers are judged, and the figures that need no peer."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of benchmarks/, whose modules import each other by their bare names."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("peers")


def table(peers: Any, page: Path) -> list[str]:
    """The rows of the table of a page."""
    rest = page.read_text(encoding="utf-8").partition(peers.HEADER)[2]
    return re.findall(r"^\| (.*) \|$", rest.split("\n\n")[0], re.M)


def test_pages_have_the_same_rows_one_for_each_peer(peers: Any) -> None:
    rows, others = (table(peers, page) for page in peers.PAGES)
    assert rows == others
    asked = [(row.split(" ")[0], row.split(" | ")[1]) for row in rows]
    assert asked == [(peer.name, peer.asked) for peer in (*peers.OURS, *peers.PEERS)]


def test_our_row_is_what_is_measured_now(peers: Any) -> None:
    row = table(peers, peers.PAGES[0])[0].split(" | ")
    assert tuple(row[2:6]) == peers.exactness(peers.OURS[0])


def test_counts_in_the_text(peers: Any) -> None:
    questions = peers.questions()
    plain = sum(peers.is_plain([case["docs"], case["filter"]]) for case in questions)
    for page in peers.PAGES:
        text = page.read_text(encoding="utf-8")
        assert f"the {len(questions):,} questions" in text
        assert f"{plain:,}" in text


def test_judgements(peers: Any) -> None:
    errors = sum("error" in case for case in peers.questions())

    def refuses(filter: Any) -> Any:
        raise NotImplementedError

    def counts(make: Any) -> list[int]:
        peer = peers.Peer("none", "", lambda: peers.matcher(make))
        return [int(count.replace(",", "")) for count in peers.exactness(peer)[:3]]

    assert counts(refuses) == [errors, 0, len(peers.questions()) - errors]
    right, wrong, refused = counts(lambda *_: lambda *_: True)
    assert refused == 0
    assert wrong > errors
    assert right > 0  # of filters that every document matches


def test_one_that_never_answers_is_refused(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "SECONDS", 1)

    def loops(filter: Any) -> Any:
        while True:
            pass

    case = next(case for case in peers.questions() if "error" not in case)
    assert peers.judged(case, peers.matcher(loops)) == "refused"
