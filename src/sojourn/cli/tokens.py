"""Commands about tokens."""

from typing import Annotated, Literal

import typer

from sojourn import wiring
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.service import administration
from sojourn.service.tokens import create_token
from sojourn.store.administration import ListedToken, list_tokens


def create_command(
    title: Annotated[str, typer.Option(help="What it is for.")] = "",
    kind: Annotated[
        Literal["api", "device", "write"], typer.Option(help="What it allows; `write` is a key of the tracking API.")
    ] = "api",
    app: Annotated[str | None, typer.Option(help="The application of a write key.", show_default="the first")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a token and print it. It cannot be had again."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url, application_code=app)

    async def run(office: Office) -> str:
        async with wiring.connection(office.url) as conn:
            app_id = office.app.app_id if kind == "write" else None
            return await create_token(conn, office.app.workspace_id, kind, title, wiring.clock(), app_id=app_id)

    out.print(at_office(settings, run), markup=False)


def list_command(data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False) -> None:
    """List tokens, without their secrets."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> list[ListedToken]:
        async with wiring.connection(office.url) as conn:
            return await list_tokens(conn, workspace_id=office.app.workspace_id)

    found = at_office(settings, run)
    if json:
        show_json(found)
        return
    show_table(
        ("id", "kind", "title", "made", "revoked"),
        [
            (str(each.token_id), each.kind, each.title, f"{each.created_at:%Y-%m-%d %H:%M}",
             f"{each.revoked_at:%Y-%m-%d %H:%M}" if each.revoked_at else "")
            for each in found
        ],
    )  # fmt: skip


def revoke_command(
    token_id: Annotated[int, typer.Argument(help="See `sojourn token list`.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take a token out of force."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> None:
        async with wiring.connection(office.url) as conn:
            await administration.revoke_token(conn, office.app.workspace_id, token_id, wiring.clock())

    at_office(settings, run)
    out.print(f"token {token_id} is revoked")
