"""Workspaces: the first of them, and their apps."""

from datetime import datetime
from uuid import uuid4

from sojourn.model.problems import Problem
from sojourn.service.codes import is_code, new_code
from sojourn.service.errors import AlreadyExists, InvalidDocument
from sojourn.store import workspaces as store
from sojourn.store.connection import Conn
from sojourn.store.workspaces import App

DEFAULT = "default"


async def ensure_default(conn: Conn, now: datetime, *, application_code: str | None = None) -> App:
    """Make the workspace `default` with an app, unless they exist. See `ensure_app`."""
    return await ensure_app(conn, DEFAULT, now, application_code=application_code)


async def ensure_app(conn: Conn, workspace: str, now: datetime, *, application_code: str | None = None) -> App:
    """Make a workspace with an app, unless they exist. Without a code, its oldest app does; a new one gets a new code.

    Any number of processes may call this at once.

    Raises:
        AlreadyExists: Another workspace has the code.
        InvalidDocument: The code is not of the form XXXXX-XXXXX.
    """
    if application_code is not None and not is_code(application_code):
        problem = Problem("app.code", "application_code", "an application code has the form XXXXX-XXXXX")
        raise InvalidDocument(problem.text, problems=(problem,))
    async with conn.transaction():
        workspace_id = await store.ensure_workspace(conn, name=workspace, now=now)
        if application_code is None and (app := await store.first_app(conn, workspace_id=workspace_id)):
            return app
        code = application_code or new_code()
        await store.insert_app(
            conn, workspace_id=workspace_id, application_code=code, site_id=uuid4(), title=workspace, now=now
        )
        app = await store.find_app(conn, application_code=code)
    assert app is not None, "the app was there, or has just been made"
    if app.workspace_id != workspace_id:
        raise AlreadyExists("another workspace has this application code")
    return app
