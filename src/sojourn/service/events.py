"""Events: what people did."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sojourn.model.identities import Identity, device_identity, user_identity
from sojourn.model.problems import Problem
from sojourn.service.commands import Caller, Done, PostEvent, Subject
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.resources import Resources
from sojourn.service.values import attribute_problems, id_problems, name_problems, refuse, subject_problems

AHEAD_MAX = timedelta(hours=1)
"""How far a device's clock may be ahead; a later event counts as happening now."""


async def post_event(resources: Resources, caller: Caller, command: PostEvent) -> Done:
    """Accept an event. It is durable on return."""
    await resources.acceptance.submit(await event_notice(resources, caller, command))
    return Done()


async def event_notice(resources: Resources, caller: Caller, command: PostEvent) -> Notice:
    """Check an event and put it in the form in which it is accepted.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        InvalidDocument: With all problems.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_problems(command))
    word = Word(
        kind="event",
        name=command.name,
        data=json_text(command.attributes),
        source_id=command.source_id or None,
        occurred_at=_occurred_at(command.occurred_at, resources.clock()),
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


def _problems(command: PostEvent) -> Iterator[Problem]:
    yield from subject_problems(command.subject)
    yield from name_problems(command.name, "name")
    yield from id_problems(command.source_id, "source_id")
    yield from attribute_problems(command.attributes, "attributes")


def _occurred_at(given: datetime | None, now: datetime) -> datetime | None:
    if given is None:
        return None
    at = given if given.tzinfo else given.replace(tzinfo=UTC)
    return None if at > now + AHEAD_MAX else at
