"""What stands in a file of ours: its mark, its format, the tables that every file has."""

from __future__ import annotations

from typing import Final

from mongoglot.engines.sql.nodes import quoted

APPLICATION_ID: Final = 0x6D676C74
"""Marks a file as a mongoglot store ("mglt")."""

FORMAT: Final = 3
"""The version of the layout of the file, in `user_version`: 2 has indexes, 3 has parts, more on columns."""

CATALOGUE: Final = "mongoglot collections"
"""The table that says which table and columns each collection has; users' tables never have its name."""

INDEXES: Final = "mongoglot indexes"
"""The table that says which indexes each collection has, and which table has the keys of each."""

PARTS: Final = "mongoglot parts"
"""The table of large values that stand beside the rows of a table, each with its table and row."""

LAYOUT: Final = (
    f"""CREATE TABLE IF NOT EXISTS {quoted(CATALOGUE)}
        (collection TEXT PRIMARY KEY, name TEXT NOT NULL, columns TEXT NOT NULL) STRICT""",
    f"""CREATE TABLE IF NOT EXISTS {quoted(INDEXES)}
        (collection TEXT NOT NULL, name TEXT NOT NULL, keys TEXT NOT NULL, options TEXT NOT NULL,
        entries TEXT NOT NULL, UNIQUE (collection, name)) STRICT""",
    f"""CREATE TABLE IF NOT EXISTS {quoted(PARTS)}
        (part INTEGER PRIMARY KEY, name TEXT NOT NULL, row INTEGER NOT NULL, value BLOB NOT NULL,
        UNIQUE (name, row, part)) STRICT""",
)
"""What every file has, in this format."""
