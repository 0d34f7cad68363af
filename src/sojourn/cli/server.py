"""Commands about the server and its database: serve, init, migrate, doctor, version."""

import asyncio
from importlib.metadata import version
from typing import Annotated

import typer

from sojourn import wiring
from sojourn.cli.office import at_database
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import err, out, plain_errors, show_json, show_table
from sojourn.cli.serving import Serving, serve
from sojourn.logs import configure_logs
from sojourn.service.administration import Installation
from sojourn.service.doctor import Finding, examine
from sojourn.store.migrations import check_schema, migrate


def serve_command(
    host: Annotated[str | None, typer.Option(help="Where to listen.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="For HTTP.", show_default="8080")] = None,
    grpc_port: Annotated[int | None, typer.Option(help="For gRPC; 0 for none.", show_default="8081")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    roles: Annotated[str | None, typer.Option(help="What to run.", show_default="api,engine,delivery")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that serve HTTP.", show_default="1")] = None,
    engine_workers: Annotated[int | None, typer.Option(help="Processes that move people.", show_default="1")] = None,
) -> None:
    """Run a server until Ctrl-C. docs/running.md lists the environment variables it honours."""
    with plain_errors():
        settings = settings_from(
            host=host, port=port, grpc_port=grpc_port, data_dir=data_dir, database_url=database_url, roles=roles,
            workers=workers, engine_workers=engine_workers,
        )  # fmt: skip
        configure_logs(settings.log_format, settings.log_level)
        asyncio.run(serve(settings, announce))


def announce(running: Serving) -> None:
    """Print where a server is, and the token and the owner's password if they were made just now."""
    lines = [
        ("HTTP", running.url),
        ("gRPC", running.grpc_address),
        ("application", running.installation.app.application_code),
    ]
    owner = running.installation.new_owner
    lines.append(("API token", running.installation.new_token))
    lines += [("owner", owner.email), ("password", owner.password)] if owner else []
    for label, value in lines:
        if value:
            out.print(f"{label:12} {value}", markup=False)
    if running.installation.new_token:
        out.print("             (the token is shown this once; `sojourn token create` makes another)")
    if owner and owner.password:
        out.print("             (the password is shown this once; `sojourn account password` sets another)")
    out.print("Sojourn is ready.")
    out.file.flush()


def init_command(
    shards: Annotated[int | None, typer.Option(help="Slices of people, fixed from now on.", show_default="8")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    citus: Annotated[bool, typer.Option("--citus", help="Distribute the tables over a Citus cluster.")] = False,
) -> None:
    """Make everything a server needs in a database. Repeating it is harmless."""
    with plain_errors():
        if citus:
            err.print("[red]error:[/red] --citus: this version does not distribute tables; without it, init works")
            raise typer.Exit(2)
        settings = settings_from(shards=shards, data_dir=data_dir, database_url=database_url)

    async def run(url: str) -> Installation:
        return await wiring.install_at(settings, url)

    done = at_database(settings, run)
    for name in done.migrations:
        out.print(f"applied {name}")
    if shards is not None and done.shard_count != shards:
        err.print(f"[yellow]note:[/yellow] the number of shards is {done.shard_count}, since the first init")
    out.print(f"application  {done.app.application_code}")
    out.print(f"shards       {done.shard_count}")
    if done.new_token:
        out.print(f"API token    {done.new_token}  (shown this once)", markup=False)
    if done.new_owner:
        out.print(f"owner        {done.new_owner.email}", markup=False)
        if done.new_owner.password:
            out.print(f"password     {done.new_owner.password}  (shown this once)", markup=False)


def migrate_command(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Bring the schema of a database up to date."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(url: str) -> list[str]:
        async with wiring.connection(url) as conn:
            return await migrate(conn, now=wiring.clock())

    applied = at_database(settings, run)
    for name in applied:
        out.print(f"applied {name}")
    if not applied:
        out.print("the schema is up to date")


def doctor_command(data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False) -> None:
    """Check that the numbers add up and the database is sound. Exits with 1 if a promise is broken."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(url: str) -> tuple[Finding, ...]:
        async with wiring.connection(url) as conn:
            await check_schema(conn)
            return await examine(conn, wiring.clock())

    findings = at_database(settings, run)
    if json:
        show_json(findings)
    elif findings:
        show_table(("", "code", "where", "what"), [(f.severity, f.code, f.where, f.text) for f in findings])
    else:
        out.print("nothing is wrong")
    if any(each.severity == "error" for each in findings):
        raise typer.Exit(1)


def version_command() -> None:
    """Print the version."""
    out.print(f"sojourn {version('sojourn')}")
