"""Commands about inbound webhooks."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sojourn.api.common.bodies import parse
from sojourn.api.track.hooks import payload_in
from sojourn.api.track.webhooks import draft_in, preview, shown
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.model.hooks import Reading
from sojourn.service.commands import CreateWebhook, DeleteWebhook, ListWebhooks, TryWebhook, Webhook, WebhookList

Id = Annotated[str, typer.Argument(help="See `sojourn webhooks list`.")]
File = Annotated[Path, typer.Argument(help="A JSON file; `-` is standard input.")]


def create_command(file: File, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Set up an inbound webhook from its definition; print its address, and the secret if one was made."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        document: dict[str, Any] = parse(_content(file))

    async def run(office: Office) -> Webhook:
        document.setdefault("application", office.app.application_code)
        return await office.service.run(office.caller, CreateWebhook(draft=draft_in(document)))

    show_json(shown(at_office(settings, run)))


def list_command(data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False) -> None:
    """List inbound webhooks, without their secrets."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> WebhookList:
        return await office.service.run(office.caller, ListWebhooks())

    found = at_office(settings, run).items
    if json:
        show_json([shown(each) for each in found])
        return
    show_table(
        ("id", "title", "application", "senders are known by", "made"),
        [
            (each.public_id, each.title, each.application_code, each.verification.scheme,
             f"{each.created_at:%Y-%m-%d %H:%M}")
            for each in found
        ],
    )  # fmt: skip


def try_command(webhook: Id, file: File, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Show what a payload would become. Nothing is stored."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
        payload = payload_in(_content(file))

    async def run(office: Office) -> Reading:
        return await office.service.run(office.caller, TryWebhook(public_id=webhook, payload=payload))

    show_json(msgspec.to_builtins(preview(at_office(settings, run))))


def delete_command(webhook: Id, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Delete an inbound webhook; what is posted to it from now on is refused."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> None:
        await office.service.run(office.caller, DeleteWebhook(public_id=webhook))

    at_office(settings, run)
    out.print(f"webhook {webhook} is deleted", markup=False)


def _content(file: Path) -> bytes:
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
