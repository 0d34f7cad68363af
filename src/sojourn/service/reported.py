"""Reported: what devices say about the messages that came to them."""

from collections.abc import Iterator

from sojourn.model.problems import Problem
from sojourn.service.commands import Caller, Done, ReportMessage
from sojourn.service.resources import Resources
from sojourn.service.values import id_problems, refuse


async def report_message(resources: Resources, caller: Caller, command: ReportMessage) -> Done:
    """Note that a message was delivered or opened. Durable on return; the first report of each kind counts.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        InvalidDocument: No hash, or one that none can be.
        MessageNotFound: No message of the app goes by the hash.
        Overloaded: Too many reports are waiting.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_problems(command))
    await resources.reactions.report(caller.workspace_id, app_id, command.message_hash, command.reaction)
    return Done()


def _problems(command: ReportMessage) -> Iterator[Problem]:
    if not command.message_hash:
        yield Problem("field.length", "message_hash", "must not be empty")
    yield from id_problems(command.message_hash, "message_hash")
