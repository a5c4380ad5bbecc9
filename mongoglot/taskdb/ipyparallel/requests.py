"""What the Hub asks without saying so, and what it makes of the answers.

These are facts about `controller/hub.py` of ipyparallel 9, which calls a task database by five methods:

    get_record      before each request, and for each thing a task prints; a KeyError says that nothing is known
    add_record      for each request; and for output that came before its request, with nothing else known
    update_record   for what becomes known
    find_records    for db_query, for the results of tasks of other clients, and for tasks to submit again
    drop_matching_records   for purges: by ids, by engine, or of all that has completed
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from logging import Logger
from typing import Any, Final

from ipyparallel.serialize import serialize_object

ORPHANS: Final = {"submitted": None, "header": None, "completed": None}
"""What output leaves whose task is not known, or is no longer known: nothing will ever complete it."""

_RESUBMITTED: Final = ["header", "content", "buffers"]


def check_packer(session: Any, log: Logger) -> None:
    """Tell the log when datetimes without a zone come as if they were in UTC: the task database cannot know.

    The packer `json` has them in the client's local zone, as documented. `orjson`, the default of jupyter_client
    where that is installed, has not. The controller's choice is that of its clients and engines.
    """
    if "orjson" in str(getattr(session, "packer", "")) and time.localtime().tm_gmtoff:
        log.info(
            "datetimes without a time zone in queries of clients are taken as UTC: start the controller with "
            "--Session.packer=json to have them in the local zone of the client"
        )


def is_output(rec: Mapping[str, Any]) -> bool:
    """Whether a new record is not of a request, but of what a task printed."""
    return rec.get("header") is None and rec.get("submitted") is None


def purges_all(check: Any) -> bool:
    """Whether `purge_results("all")` asks."""
    return bool(check == {"completed": {"$ne": None}})


def asks_for_results(check: Any, keys: Any) -> bool:
    """Whether `get_results` asks."""
    return keys is None and _names_tasks(check)


def asks_to_resubmit(check: Any, keys: Any) -> bool:
    """Whether `resubmit_task` asks."""
    return bool(keys == _RESUBMITTED) and _names_tasks(check)


def _names_tasks(check: Any) -> bool:
    return (
        isinstance(check, Mapping)
        and list(check) == ["msg_id"]
        and isinstance(check["msg_id"], Mapping)
        and list(check["msg_id"]) == ["$in"]
    )


def for_results(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records in an order, and with buffers, that the Hub gets right.

    It takes the last record for all of them when it looks whether a task has completed. With an open one last,
    what has completed may count as open until all has, but nothing that is open as completed.

    A client takes the buffers of all results from one list. A result whose buffers are not there gets an exception
    in their place, or it would take those of the next one.
    """
    for record in records:
        if _lacks_result(record):
            record["result_buffers"] = _in_place_of_result(record["msg_id"])
    return sorted(records, key=lambda record: record["completed"] is None)


def _lacks_result(record: Mapping[str, Any]) -> bool:
    content, header = record["result_content"], record["result_header"]
    return (
        record["completed"] is not None
        and not record["result_buffers"]
        and isinstance(content, Mapping)
        and content.get("status") == "ok"
        and isinstance(header, Mapping)
        and header.get("msg_type") == "apply_reply"
    )


def _in_place_of_result(msg_id: Any) -> list[Any]:
    """A serialized exception, which a client raises when the result is asked for."""
    reason = f"the result of task {msg_id!r} was not kept: the controller runs with keep_buffers=False"
    buffers: list[Any] = serialize_object(LookupError(reason))
    return buffers


def check_requests(records: list[dict[str, Any]]) -> None:
    """Refuse to submit tasks again whose requests are not there.

    Raises:
        LookupError: says which; the Hub hands it to the client.
    """
    lost = [record["msg_id"] for record in records if record["buffers"] is None]
    if lost:
        raise LookupError(
            f"{len(lost)} of {len(records)} tasks cannot be submitted again, {lost[0]!r} among them: their "
            "requests were not kept (keep_buffers=False)"
        )
