"""Attributes of one person, for whoever asks."""

from sojourn.service.commands import Attributes, Caller, GetAttributes
from sojourn.service.errors import DeviceNotFound, PersonNotFound
from sojourn.service.events import subject_identities
from sojourn.service.resources import Resources
from sojourn.service.values import refuse, subject_problems
from sojourn.store.identities import find_identities
from sojourn.store.people import read_attributes


async def get_attributes(resources: Resources, caller: Caller, command: GetAttributes) -> Attributes:
    """Return the attributes of a person. What was accepted and waits for a tick is not among them.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        DeviceNotFound: Nobody has the hwid.
        InvalidDocument: Neither a user id nor a hwid, or one that none can be.
        PersonNotFound: Nobody has the user id.
    """
    await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(subject_problems(command.subject))
    lead = subject_identities(caller.workspace_id, command.subject)[0]
    shard_count = await resources.facts.shard_count()
    async with resources.pool.connection() as conn:
        owners = await find_identities(conn, {lead}, shard_count=shard_count)
        if lead not in owners:
            raise PersonNotFound if lead.kind == "user_id" else DeviceNotFound
        values = await read_attributes(conn, shard=owners[lead].shard, profile_id=owners[lead].profile_id)
    return Attributes(values=values)
