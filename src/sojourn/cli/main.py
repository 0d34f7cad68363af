"""The command `sojourn`. Every command it has stands in the tables below."""

import typer

from sojourn.cli import (
    accounts,
    apps,
    events,
    exporting,
    history,
    importing,
    journeys,
    lists,
    people,
    segments,
    server,
    tokens,
    webhooks,
)
from sojourn.cli.demo import command as demo

app = typer.Typer(name="sojourn", help="A customer-journey engine in which people move as sets.", no_args_is_help=True)
journey_app = typer.Typer(help="Journeys: list them, look into them, start and stop them.", no_args_is_help=True)
people_app = typer.Typer(help="People.", no_args_is_help=True)
events_app = typer.Typer(help="Events: what people did.", no_args_is_help=True)
segments_app = typer.Typer(help="Segments: who is meant, by a filter or name by name.", no_args_is_help=True)
webhooks_app = typer.Typer(help="Inbound webhooks: what other services post becomes events.", no_args_is_help=True)
account_app = typer.Typer(help="Accounts: who may sign in.", no_args_is_help=True)
app_app = typer.Typer(help="Apps, and how long their events are kept.", no_args_is_help=True)
token_app = typer.Typer(help="Tokens: who may call the API.", no_args_is_help=True)

for name, run in (
    ("serve", server.serve_command),
    ("demo", demo.demo_command),
    ("init", server.init_command),
    ("migrate", server.migrate_command),
    ("doctor", server.doctor_command),
    ("retention", apps.retention_command),
    ("version", server.version_command),
):
    app.command(name)(run)

for name, run in (
    ("list", journeys.list_command),
    ("show", journeys.show_command),
    ("stats", journeys.stats_command),
    ("start", journeys.start_command),
    ("pause", journeys.pause_command),
    ("finish", journeys.finish_command),
    ("draft", journeys.draft_command),
    ("archive", journeys.archive_command),
    ("winner", journeys.winner_command),
    ("explain", journeys.explain_command),
):
    journey_app.command(name)(run)

for name, run in (
    ("add", accounts.add_command),
    ("list", accounts.list_command),
    ("change", accounts.change_command),
    ("disable", accounts.disable_command),
    ("enable", accounts.enable_command),
    ("password", accounts.password_command),
    ("sessions", accounts.sessions_command),
    ("revoke", accounts.revoke_command),
):
    account_app.command(name)(run)

for name, run in (
    ("create", tokens.create_command),
    ("list", tokens.list_command),
    ("revoke", tokens.revoke_command),
):
    token_app.command(name)(run)

for name, run in (
    ("list", webhooks.list_command),
    ("create", webhooks.create_command),
    ("test", webhooks.try_command),
    ("delete", webhooks.delete_command),
):
    webhooks_app.command(name)(run)

for name, run in (
    ("list", segments.list_command),
    ("show", segments.show_command),
    ("create", segments.create_command),
    ("update", segments.update_command),
    ("delete", segments.delete_command),
    ("count", segments.count_command),
    ("preview", segments.preview_command),
    ("explain", segments.explain_command),
    ("export", segments.export_command),
    ("members", lists.members_command),
    ("add", lists.add_command),
    ("remove", lists.remove_command),
    ("import", lists.import_command),
):
    segments_app.command(name)(run)

people_app.command("delete")(people.delete_command)
people_app.command("export")(exporting.people_command)
app_app.command("list")(apps.list_command)
app_app.command("set")(apps.set_command)
people_app.command("import")(importing.people_command)
people_app.command("show")(history.show_command)
people_app.command("timeline")(history.timeline_command)
people_app.command("why")(history.why_command)
events_app.command("accept")(events.accept_command)
events_app.command("export")(exporting.events_command)
events_app.command("import")(importing.events_command)
events_app.command("list")(events.list_command)
app.add_typer(account_app, name="account")
app.add_typer(app_app, name="app")
app.add_typer(journey_app, name="journey")
app.add_typer(people_app, name="people")
app.add_typer(events_app, name="events")
app.add_typer(segments_app, name="segments")
app.add_typer(token_app, name="token")
app.add_typer(webhooks_app, name="webhooks")
