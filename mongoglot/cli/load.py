"""`load`: documents from files into a store."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

import click
from bson import ObjectId

from mongoglot.cli.files import FORMATS, STANDARD_INPUT, Bad, Found, format_of, found_in, place, reading
from mongoglot.cli.main import BadInputError
from mongoglot.cli.progress import Progress, progress
from mongoglot.cli.sources import SourceType, collection_option, opened_collection, shown
from mongoglot.cli.terminal import say
from mongoglot.compiler.stored import as_stored
from mongoglot.compiler.values import sort_key
from mongoglot.errors import DuplicateKeyError, WriteError
from mongoglot.store import Collection

BATCH: Final = 10_000
"""Documents that are written in one transaction; what was written before an interruption stays."""

BATCH_BYTES: Final = 32 * 1024 * 1024
"""Bytes of a file after which a batch is written, however few documents it has."""


@click.command("load")
@click.argument("source", type=SourceType())
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=True
)
@collection_option
@click.option("--format", "form", type=click.Choice(FORMATS), help="By the file's name; ndjson.")
@click.option(
    "--bad-lines", type=click.Choice(("stop", "skip")), default="stop", show_default=True,
    help="What a line does that is no document, or that the store refuses.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Leave alone what is there already, by its _id.")
@click.option("--new-ids", is_flag=True, help="Documents without an _id are new ones in each load.")
def load_command(
    source: str,
    files: tuple[str, ...],
    collection: str | None,
    form: str | None,
    bad_lines: str,
    resume: bool,
    new_ids: bool,
) -> None:
    """Put the documents of FILES into SOURCE; '-' is standard input.

    Extended JSON, a document a line (ndjson) or over any lines (json); CSV with a line of names, where numbers
    become numbers and all else is text; documents as in mongosh, one a line (shell); BSON, as mongodump writes it.

    A load that was interrupted goes on with --resume: nothing is doubled, nothing is lost. A document without an
    _id gets one that is made of its file, line and content, so that is true of it, too; with --new-ids, and
    from standard input without --resume, it gets a new one.

    \b
    mongoglot load people.db people.ndjson --resume
    mongoglot load sqlite:shop.db orders.csv -c orders --bad-lines skip
    zcat log.gz | mongoglot load log.db - -c log
    """
    with opened_collection(source, collection or _collection_of(files[0]), create=True) as documents:
        loading = Loading(documents, resume, bad_lines == "skip")
        for file in files:
            size = None if file == STANDARD_INPUT else os.path.getsize(file)
            with progress(file, size) as told:
                make_ids = not new_ids and (resume or file != STANDARD_INPUT)
                loading.load(file, form or format_of(file), told, make_ids=make_ids)
    say(
        f"{loading.loaded:,} documents loaded into {shown(source)}"
        + (f", {loading.there:,} were there" if loading.there else "")
        + (f", {loading.bad:,} bad lines skipped" if loading.bad else "")
    )


def _collection_of(file: str) -> str:
    return "documents" if file == STANDARD_INPUT else Path(file).name.split(".")[0] or "documents"


@final
@dataclass(slots=True)
class Loading:
    """A load, and what it did.

    Attributes:
        documents: where to.
        resume: whether documents that are there already are left alone.
        skip: whether it goes on behind bad lines.
        loaded, there, bad: how many documents were loaded, were there, and how many lines were skipped.
    """

    documents: Collection
    resume: bool
    skip: bool
    loaded: int = 0
    there: int = 0
    bad: int = 0
    _file: str = ""
    _told: Progress | None = field(default=None)

    def load(self, file: str, form: str, told: Progress, *, make_ids: bool) -> None:
        """Load a file.

        Raises:
            BadInputError: a line is bad, and is not skipped; the batches before that of the line are loaded.
        """
        self._file, self._told = file, told
        with reading(file) as stream:
            batch: list[Found] = []
            written = 0
            for item in found_in(stream, form, file, self._with_ids if make_ids else _stored):
                if isinstance(item, Bad):
                    self._refuse(item)
                    continue
                batch.append(item)
                if len(batch) == BATCH or (
                    len(batch) % 100 == 0 and _position(stream) - written > BATCH_BYTES
                ):
                    self._write(batch)
                    batch, written = [], _position(stream)
                    told.advance(self.loaded + self.there, written)
            self._write(batch)
            told.advance(self.loaded + self.there, _position(stream))

    def _with_ids(self, number: int, document: dict[str, Any]) -> dict[str, Any]:
        """A document as it is stored, with an `_id` of its line where it has none."""
        return as_stored(
            document if "_id" in document else {"_id": line_id(self._file, number, document), **document}
        )

    def _refuse(self, bad: Bad) -> None:
        """Skip a line, or end the load."""
        where = place(self._file, bad)
        if not self.skip or bad.last:
            raise BadInputError(f"{where}; {self._remedy(bad)}")
        self.bad += 1
        assert self._told is not None  # noqa: S101 - a file is being loaded
        self._told.say(f"skipped {where}")

    def _remedy(self, bad: Bad) -> str:
        so_far = f"{self.loaded:,} documents were loaded before it"
        if bad.last:
            return f"nothing behind it can be read; {so_far}"
        return f"--bad-lines skip goes on without such lines; {so_far}"

    def _write(self, batch: list[Found]) -> None:
        """Write documents; those that the store refuses are bad lines."""
        batch = self._fresh(batch)
        while batch:
            try:
                self.documents.insert_many([item.document for item in batch])
            except WriteError as error:  # what stood before the refused document is stored
                count = self._refused(batch, error)
                self.loaded += count
                self._refuse(Bad(batch[count].number, _refusal(error)))
                batch = batch[count + 1 :]
            else:
                self.loaded += len(batch)
                return

    def _fresh(self, batch: list[Found]) -> list[Found]:
        """The documents that are not there yet, and of several with one `_id` the first."""
        known = self._known(batch) if self.resume else set()
        own: set[Any] = set()
        fresh = []
        for item in batch:
            key = sort_key(item.document["_id"])
            if key in known:
                self.there += 1
            elif key in own:
                self._refuse(Bad(item.number, f"_id {item.document['_id']!r} is there in a line before"))
            else:
                own.add(key)
                fresh.append(item)
        return fresh

    def _known(self, batch: list[Found]) -> set[Any]:
        """Which `_id`s of a batch are in the collection, comparable with those of the batch."""
        ids = [item.document["_id"] for item in batch]
        found: Iterator[dict[str, Any]] = self.documents.find({"_id": {"$in": ids}}, {"_id": 1})
        return {sort_key(each["_id"]) for each in found}

    def _refused(self, batch: list[Found], error: WriteError) -> int:
        """The position of the document that was refused, in a batch whose `_id`s are all different."""
        if isinstance(error, DuplicateKeyError) and error.index == "_id_":
            keys = [sort_key(item.document["_id"]) for item in batch]
            return keys.index(sort_key(error.key))
        known = self._known(batch)
        return next(
            number for number, item in enumerate(batch) if sort_key(item.document["_id"]) not in known
        )


def _stored(_: int, document: dict[str, Any]) -> dict[str, Any]:
    return as_stored(document)


def _refusal(error: WriteError) -> str:
    """What a store refuses, with what helps here."""
    is_id = isinstance(error, DuplicateKeyError) and error.index == "_id_"
    return f"{error.args[0]}; --resume leaves what is there alone" if is_id else str(error)


def line_id(file: str, number: int, document: dict[str, Any]) -> ObjectId:
    """An `_id` for a line: that of the same content in the same line of the same file; it grows with the line."""
    path = file if file == STANDARD_INPUT else os.path.realpath(file)
    parts = (
        zlib.crc32(os.fsencode(path)),
        number % 2**32,
        zlib.crc32(repr(document).encode("utf-8", "surrogatepass")),
    )
    return ObjectId(b"".join(part.to_bytes(4, "big") for part in parts))


def _position(stream: Any) -> int:
    """How many bytes of a file have been read; 0 for a pipe."""
    try:
        return int(stream.tell())
    except OSError:
        return 0
