"""Commands that have less to do than the driver's methods: for one document, and for the whole of an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

import bson
import pymongo
from bson.codec_options import CodecOptions
from pymongo import errors
from pymongo.collection import Collection

from mongoglot.engines.base import Record
from mongoglot.engines.mongodb.failures import DUPLICATE, explained, of_insert, translated
from mongoglot.engines.mongodb.messages import CODEC, DEFAULT_DATABASE, RAW

PLACE: Final = "$recordId"
"""Where a document is in its collection: a number that grows with each that is inserted."""

_AT_ONCE: Final = 1_000_000
"""Documents of a reply: as many as fit into 16 MiB, where a server would send a hundred of them first."""

_MOST_KNOWN: Final = 100
"""Collections that the driver's objects are kept of."""

_SIMPLE: Final = frozenset({str, int, bytes})
"""Ids that a server looks up at once where they stand for themselves; behind `$eq` it plans a query first."""


class NotAloneError(Exception):
    """What is for servers that are alone was asked of others; it stays in this package and the task database."""


class Commands:
    """What a store on a server does by commands."""

    def __init__(self, client: pymongo.MongoClient[Any]) -> None:
        self._client = client
        self._database = client.get_default_database(DEFAULT_DATABASE)
        self._collections: dict[tuple[str, int], Collection[Any]] = {}
        self._is_alone = False
        level = self._database.read_concern.document
        self._read_concern: Record = {"readConcern": level} if level else {}

    def note(self, hello: Mapping[str, Any]) -> None:
        """Note what a server says of itself: one that is alone has no writes that a driver tries again."""
        concern = self._database.write_concern
        has_sessions = "logicalSessionTimeoutMinutes" in hello
        self._is_alone = (
            has_sessions and "setName" not in hello and "msg" not in hello and concern.is_server_default
        )

    def insert_one(self, collection: str, document: Record) -> None:
        """Store a document; see `Backend.insert`."""
        with translated(), of_insert(collection, document):
            if self._is_alone:
                self._written("insert", collection, documents=[document])
            else:
                self._documents(collection).insert_one(document)

    def replies(
        self,
        collection: str,
        filter: Record,
        projection: Record | None,
        codec: CodecOptions[Record],
        *,
        places: bool,
    ) -> Iterator[tuple[bytes, list[Record]]]:
        """What a server that is alone replies to a find, as much as it has room for at a time: BSON and documents.

        With places, each document has its `PLACE` in the collection. The driver leaves the types of a codec alone
        in what a command replies, so that is decoded here.

        Raises:
            NotAloneError: nothing was given: it is for a cursor of the driver, which finds its server again.
        """
        if not self._is_alone:
            raise NotAloneError
        options: Record = {"projection": projection} if projection else {}
        options |= {"showRecordId": True} if places else {}
        with translated(), self._client.start_session(causal_consistency=False) as session:
            ask: Any = partial(self._database.command, batchSize=_AT_ONCE, session=session, codec_options=RAW)
            try:
                raw = ask("find", collection, filter=filter, **self._read_concern, **options).raw
            except errors.ConnectionFailure:
                raise NotAloneError from None
            cursor = bson.decode(raw, codec)["cursor"]
            yield raw, cursor["firstBatch"]
            while cursor["id"]:
                raw = ask("getMore", cursor["id"], collection=collection).raw
                cursor = bson.decode(raw, codec)["cursor"]
                yield raw, cursor["nextBatch"]

    def documents(
        self,
        collection: str,
        filter: Record,
        projection: Record | None,
        codec: CodecOptions[Record],
        *,
        places: bool,
    ) -> list[Record]:
        """The matching documents through a cursor of the driver."""
        with translated():
            documents = self._documents(collection, codec)
            return list(documents.find(filter, projection, show_record_id=places, batch_size=_AT_ONCE))

    def set_fields(self, collection: str, key: Any, fields: Record) -> bool:
        """Give fields of the document of an `_id` new values, as the server takes them; whether there is one."""
        with translated(), explained(collection):
            if not self._is_alone:
                return self._documents(collection).update_one(by_id(key), {"$set": fields}).matched_count > 0
            change = {"q": by_id(key), "u": {"$set": fields}}
            return bool(self._written("update", collection, updates=[change])["n"])

    def _written(self, command: str, collection: str, **parts: Any) -> Record:
        """The reply to a command that writes one document.

        Raises:
            errors.WriteError: as the driver's method does.
        """
        reply: Record = self._database.command(command, collection, codec_options=CODEC, **parts)
        for failed in reply.get("writeErrors", ()):
            kind = errors.DuplicateKeyError if failed["code"] == DUPLICATE else errors.WriteError
            raise kind(failed["errmsg"], failed["code"], failed)
        return reply

    def _documents(self, collection: str, codec: CodecOptions[Any] = CODEC) -> Collection[Any]:
        known = self._collections.get((collection, id(codec)))  # a codec that is kept has its id for itself
        if known is None:
            known = self._database.get_collection(collection, codec_options=codec)
            if len(self._collections) < _MOST_KNOWN:
                self._collections[collection, id(codec)] = known
        return known


def by_id(key: Any) -> Record:
    """The filter for the document of an `_id`."""
    return {"_id": key} if key.__class__ in _SIMPLE else {"_id": {"$eq": key}}
