"""What the author of an engine tests with: recorded answers of a server, random questions, and the comparison.

`assert_recorded` asks a store every recorded case, `assert_agreement` asks two collections random filters; both
are pytest fixtures, too, wherever mongoglot is installed. `mongoglot.testing.strategies` has the generators as
hypothesis strategies; it is the only module that needs hypothesis.
"""

from mongoglot.testing.agreement import (
    Difference,
    Outcome,
    assert_agreement,
    differing,
    minimal_differences,
    outcome,
)
from mongoglot.testing.alphabet import LANGUAGE
from mongoglot.testing.corpus import assert_recorded
from mongoglot.testing.generate import each_with_each, random_documents, random_filter

__all__ = [
    "LANGUAGE",
    "Difference",
    "Outcome",
    "assert_agreement",
    "assert_recorded",
    "differing",
    "each_with_each",
    "minimal_differences",
    "outcome",
    "random_documents",
    "random_filter",
]
