"""Events: what people did."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sojourn.model.identities import Identity, device_identity, user_identity
from sojourn.model.openings import APPLICATION_OPEN, LAST_APPLICATION_OPEN
from sojourn.model.problems import Problem
from sojourn.service.commands import AttributeOperation, Caller, Done, OpenApplication, PostEvent, Subject
from sojourn.service.errors import InvalidDocument
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.resources import Resources
from sojourn.service.values import attribute_problems, id_problems, name_problems, refuse, subject_problems

UNDEFINED = "no event of this name is defined, and only defined ones are taken"


async def post_event(resources: Resources, caller: Caller, command: PostEvent) -> Done:
    """Accept an event. It is durable on return."""
    await resources.acceptance.submit(await event_notice(resources, caller, command))
    return Done()


async def open_application(resources: Resources, caller: Caller, command: OpenApplication) -> Done:
    """Accept that an app was opened: an event, and the attribute that holds when this last happened. Durable on return.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        InvalidDocument: With all problems.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_opening_problems(command))
    identities = subject_identities(caller.workspace_id, command.subject)
    last_open = AttributeOperation("set", LAST_APPLICATION_OPEN, resources.clock())
    hwid = {"hwid": identities[-1].value}
    words = (
        Word(kind="attributes", data=json_text({"operations": [last_open]})),
        Word(kind="event", name=APPLICATION_OPEN, data=json_text(hwid)),
    )
    await resources.acceptance.submit(
        Notice(workspace_id=caller.workspace_id, app_id=app_id, identities=identities, words=words, attributes=hwid)
    )
    return Done()


async def event_notice(resources: Resources, caller: Caller, command: PostEvent) -> Notice:
    """Check an event and put it in the form in which it is accepted.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        InvalidDocument: With all problems; also where the workspace takes only defined events, and this is none.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_problems(command))
    now = resources.clock()
    if not await resources.facts.takes_event(caller.workspace_id, app_id, command.name, now):
        undefined = Problem("event.undefined", "name", UNDEFINED)
        raise InvalidDocument(undefined.text, problems=(undefined,))
    word = Word(
        kind="event",
        name=command.name,
        data=json_text(command.attributes),
        source_id=command.source_id or None,
        occurred_at=event_time(command.occurred_at, now),
    )
    identities = subject_identities(caller.workspace_id, command.subject)
    return Notice(
        workspace_id=caller.workspace_id,
        app_id=app_id,
        identities=identities,
        words=(word,),
        attributes=command.attributes,
    )


def subject_identities(workspace_id: int, subject: Subject) -> tuple[Identity, ...]:
    """List the identities of a subject; the user id, if there is one, decides who it is."""
    user = (user_identity(workspace_id, subject.user_id),) if subject.user_id else ()
    device = (device_identity(workspace_id, subject.hwid),) if subject.hwid else ()
    return user + device


def event_time(given: datetime | None, now: datetime) -> datetime | None:
    """Return when an event happened; None is now. Nothing happens in the future, even where a clock is ahead."""
    if given is None:
        return None
    at = given if given.tzinfo else given.replace(tzinfo=UTC)
    return None if at > now else at


def _problems(command: PostEvent) -> Iterator[Problem]:
    yield from subject_problems(command.subject)
    yield from name_problems(command.name, "name")
    yield from id_problems(command.source_id, "source_id")
    yield from attribute_problems(command.attributes, "attributes")


def _opening_problems(command: OpenApplication) -> Iterator[Problem]:
    if not command.subject.hwid:
        yield Problem("subject.missing", "subject/hwid", "a hwid is required")
    yield from id_problems(command.subject.user_id, "subject/user_id")
    yield from id_problems(command.subject.hwid, "subject/hwid")
