# shelf_ranges.py
from mongoglot.compiler.ast import Compare, Leaf, Slot
from mongoglot.compiler.lowering import Superset
from shelf import Equality, Lookups, ShelfBackend

ORDERED = ("int", "double", "decimal", "string", "date")


class Ranges(Equality):
    """Lowers ranges, too, as what is checked again: the index does not know where a type of values ends."""

    def predicate(self, leaf: Leaf) -> Lookups | Superset[Lookups] | None:
        match leaf:
            case Compare((field,), op, Slot(index, kind)) if op != "$eq" and kind in ORDERED:
                return Superset(((field, op, index),))
        return super().predicate(leaf)


def open_backend(url: str) -> ShelfBackend:
    return ShelfBackend(Ranges())
