"""What the author of an engine tests with: the suite's own alphabet, generators and comparison.

`mongoglot.testing.strategies` has the same generators as hypothesis strategies; it is the only module
that needs hypothesis.
"""

from mongoglot.testing.agreement import Difference, Outcome, differing, minimal_differences, outcome
from mongoglot.testing.alphabet import LANGUAGE
from mongoglot.testing.generate import each_with_each, random_documents, random_filter

__all__ = [
    "LANGUAGE",
    "Difference",
    "Outcome",
    "differing",
    "each_with_each",
    "minimal_differences",
    "outcome",
    "random_documents",
    "random_filter",
]
