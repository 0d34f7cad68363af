"""Apps: listed, and how long what they bring is kept."""

from collections.abc import Iterator

from sojourn.model.problems import Problem
from sojourn.service.commands import AppList, AppView, Caller, ListApps, SetEventRetention
from sojourn.service.errors import AppNotFound
from sojourn.service.resources import Resources
from sojourn.service.values import refuse
from sojourn.store import workspaces as store
from sojourn.store.connection import Conn
from sojourn.store.upkeep import installation_retentions
from sojourn.store.workspaces import App, ListedApp

RETENTION_MAX = 36_500
"""Days: a hundred years."""


async def list_apps(resources: Resources, caller: Caller, _command: ListApps) -> AppList:
    """List the apps of the workspace."""
    async with resources.pool.connection() as conn:
        found = await store.list_apps(conn, workspace_id=caller.workspace_id)
    return AppList(items=tuple(_view(each) for each in found))


async def set_event_retention(resources: Resources, caller: Caller, command: SetEventRetention) -> AppView:
    """Say how long an app's events are kept.

    Raises:
        AppNotFound: The workspace has no such app.
        InvalidDocument: The number of days is none from 1 to 36,500.
    """
    refuse(days_problems(command.days, "event_retention_days"))
    async with resources.pool.connection() as conn, conn.transaction():
        found = await store.set_event_retention(
            conn, workspace_id=caller.workspace_id, application_code=command.application_code, days=command.days
        )
    if found is None:
        raise AppNotFound
    return _view(found)


async def keep_events_forever(conn: Conn, app: App) -> None:
    """Let an app's events never be deleted."""
    await store.set_event_retention(
        conn, workspace_id=app.workspace_id, application_code=app.application_code, days=None
    )


async def set_retentions(
    conn: Conn, *, passages: int | None, changes: int | None, keep: tuple[str, ...] = ()
) -> tuple[int | None, int | None]:
    """Say for how many days an installation keeps passages and changes; None: for ever. What `keep` names stays.

    Raises:
        InvalidDocument: A number of days is none from 1 to 36,500.
    """
    refuse(each for days, name in ((passages, "passages"), (changes, "changes")) for each in days_problems(days, name))
    async with conn.transaction():
        old_passages, old_changes = await installation_retentions(conn)
        new = (old_passages if "passages" in keep else passages, old_changes if "changes" in keep else changes)
        await store.set_installation_retentions(conn, passages=new[0], changes=new[1])
    return new


def days_problems(days: int | None, where: str) -> Iterator[Problem]:
    """Yield what is wrong with a retention."""
    if days is not None and not 1 <= days <= RETENTION_MAX:
        yield Problem("retention.range", where, f"a number of days from 1 to {RETENTION_MAX}, or null: for ever")


def _view(app: ListedApp) -> AppView:
    return AppView(
        application_code=app.application_code,
        site_id=app.site_id,
        title=app.title,
        event_retention_days=app.event_retention_days,
        created_at=app.created_at,
    )
