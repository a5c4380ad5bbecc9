"""The assertions of `mongoglot.testing` as fixtures; pytest finds them by an entry point."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mongoglot.store import Store


@pytest.fixture
def assert_recorded() -> Callable[[Store], int]:
    """`mongoglot.testing.assert_recorded`."""
    from mongoglot.testing import corpus  # loads much, and not every test session asks for it

    return corpus.assert_recorded


@pytest.fixture
def assert_agreement() -> Callable[..., int]:
    """`mongoglot.testing.assert_agreement`."""
    from mongoglot.testing import agreement  # as above

    return agreement.assert_agreement
