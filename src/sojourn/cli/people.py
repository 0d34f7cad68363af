"""Commands about people."""

from typing import Annotated

import typer

from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.service.commands import DeletePerson, Removed


def delete_command(
    user_id: Annotated[str, typer.Argument(help="The user id, unless an option names the person.")] = "",
    hwid: Annotated[str, typer.Option(help="A device of theirs, or a phone number.")] = "",
    email: Annotated[str, typer.Option(help="An email address of theirs.")] = "",
    anonymous_id: Annotated[str, typer.Option(help="The id of an anonymous visitor.")] = "",
    profile: Annotated[int | None, typer.Option(help="The number of the profile.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Delete a person with all their data. What is gone cannot be had again."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
    who = user_id or hwid or email or anonymous_id or f"profile {profile}"
    if not yes:
        typer.confirm(f"Delete {who} with everything that is known of them?", abort=True)

    async def run(office: Office) -> Removed:
        command = DeletePerson(user_id=user_id, hwid=hwid, email=email, anonymous_id=anonymous_id, profile=profile)
        return await office.service.run(office.caller, command)

    reply = at_office(settings, run)
    if json:
        show_json(reply.removed)
        return
    show_table(("removed from", "rows"), [(table, str(n)) for table, n in reply.removed.items()])
    out.print(f"{who} is deleted", markup=False)
