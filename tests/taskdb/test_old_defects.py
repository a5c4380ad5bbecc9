"""What ipyparallel's own task databases get wrong, ours get right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")

from tests.taskdb.backends import NEW, OLD, Opener, opener_in
from tests.taskdb.defects import DEFECTS, Defect, filled, outcome

if TYPE_CHECKING:
    pass

ROWS = pytest.mark.parametrize("defect", DEFECTS, ids=[f"{n}-{each.name}" for n, each in enumerate(DEFECTS)])
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])


@pytest.fixture(scope="module")
def opener(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    folder = tmp_path_factory.mktemp("hub")
    with opener_in(folder, lambda: request.getfixturevalue("mongod_url")) as opened:
        yield opened


@pytest.fixture(scope="module")
def four(opener: Opener) -> Callable[[Any, str], Any]:
    """Opens a database with the four records, one of each kind, to be read only."""
    return cache(lambda kind, letter: filled(opener.open(kind, letter)))


@LETTERS
@ROWS
def test_ours_are_right(opener: Opener, four: Callable[[Any, str], Any], defect: Defect, letter: str) -> None:
    database = (four if defect.asks else opener.open)(NEW[letter], letter)
    assert outcome(defect, database) == defect.expected


@LETTERS
@ROWS
def test_the_old_ones_are_wrong_where_the_table_says_so(
    opener: Opener, four: Callable[[Any, str], Any], defect: Defect, letter: str
) -> None:
    """And right elsewhere: the table is true, and every test above can fail."""
    given = outcome(defect, (four if defect.asks else opener.open)(OLD[letter], letter))
    assert (given != defect.expected) == (letter in defect.wrong), given
