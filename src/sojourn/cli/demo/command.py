"""The command `sojourn demo`, which `make run` calls."""

import asyncio
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import httpx
import typer

from sojourn import wiring
from sojourn.cli.demo.cdnow import read_purchases, write_events, write_people
from sojourn.cli.demo.gateway import Gateway
from sojourn.cli.demo.log_file import kept_small
from sojourn.cli.demo.tour import Tour
from sojourn.cli.importing import progress_bar, say_outcome
from sojourn.cli.options import DataDir, settings_from
from sojourn.cli.screen import out, plain_errors
from sojourn.cli.serving import Serving, serving, stop_signals
from sojourn.logs import configure_logs
from sojourn.model.problems import SojournError
from sojourn.service.administration import renew_token
from sojourn.service.apps import keep_events_forever
from sojourn.service.importing.plan import Plan
from sojourn.service.importing.run import import_file
from sojourn.service.resources import Resources
from sojourn.settings import Settings

RECORD = Path("data") / "cdnow_master.txt.gz"
TOKEN_TITLE = "demo"  # noqa: S105 - the title of one
LOG_NAME = "sojourn.log"


class ExamplesMissing(SojournError):
    """The examples are not here."""

    code = "demo.examples_missing"


def demo_command(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(show_default="8080")] = None,
    grpc_port: Annotated[int | None, typer.Option(show_default="8081")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when everything has been shown.")] = False,
    people: Annotated[
        int | None, typer.Option(help="Only so many of the customers.", min=1, show_default="all")
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(help="The folder `examples` of a checkout.", show_default=False)
    ] = None,
) -> None:
    """Start a server with 23,570 real customers and two journeys, and show how people move through them."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, host=host, port=port, grpc_port=grpc_port)
        folder = find_examples(examples)
        configure_logs(settings.log_format, "warning")
        asyncio.run(_run(settings, folder, people=people, once=once))


def find_examples(given: Path | None) -> Path:
    """Return the folder with the example data: the one given, the checkout's, or the one here.

    Raises:
        ExamplesMissing: It is in none of these places.
    """
    checkout = Path(__file__).resolve().parents[4]
    places = [given] if given else [checkout / "examples", Path.cwd() / "examples"]
    for place in places:
        if (place / RECORD).is_file():
            return place
    tried = " and ".join(str(place / RECORD) for place in places)
    raise ExamplesMissing(
        f"no example data: {tried} is not there. The demonstration needs a checkout of Sojourn; `--examples` names its"
        " folder `examples`, and `sojourn serve` needs none"
    )


async def _run(settings: Settings, examples: Path, *, people: int | None, once: bool) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log = settings.data_dir / LOG_NAME
    with stop_signals() as stop, log.open("ab") as output:
        out.print(f"Starting the server on {settings.data_dir} (log: {log})", markup=False)
        async with kept_small(log), serving(settings, stop, output=output) as running:
            if running is None or running.url is None:
                return
            showing = asyncio.create_task(_show(running, examples, people))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait([showing, stopping, running.working], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not showing.done():
                showing.cancel()
                return
            token = showing.result()
            _say_where(running, token)
            if not once:
                out.print("Ctrl-C stops the server; `make run` starts it again on the same data.")
                await running.ended()


async def _show(running: Serving, examples: Path, people: int | None) -> str:
    """Load the example, move people, print the numbers. Return the token."""
    settings, app = running.settings, running.installation.app
    url = settings.database_url or ""
    async with wiring.resources(url) as resources:
        count = await _import_example(resources, running, examples, people)
    token = settings.api_token or running.installation.new_token
    if token is None:
        async with wiring.connection(url) as conn:
            token = await renew_token(conn, app.workspace_id, TOKEN_TITLE, wiring.clock())
    headers = {"authorization": f"Api {token}"}
    async with httpx.AsyncClient(base_url=running.url or "", headers=headers, timeout=60, trust_env=False) as http:
        gateway = Gateway(http, app.application_code, token)
        await Tour(gateway, app.application_code, examples / "journeys", people=count).run()
    return token


def _say_where(running: Serving, token: str) -> None:
    out.print()
    lines = [
        ("HTTP API", running.url),
        ("gRPC", running.grpc_address),
        ("Application", running.installation.app.application_code),
        ("Token", token),
    ]
    if owner := running.installation.new_owner:
        lines += [("Owner", owner.email), ("Password", owner.password)]
    for label, value in lines:
        if value:
            out.print(f"{label:12} {value}", markup=False)
    out.print(f"[dim]curl -H 'Authorization: Api {token}' {running.url}/api/v3/journeygateway[/dim]")
    out.file.flush()


async def _import_example(resources: Resources, running: Serving, examples: Path, people: int | None) -> int:
    """Import customers and purchases, unless they are in. Return how many customers there are."""
    app, folder = running.installation.app, running.settings.data_dir / "example"
    folder.mkdir(exist_ok=True)
    code = app.application_code
    plans = (
        (
            folder / "people.csv",
            Plan(
                subject="people",
                application_code=code,
                types={
                    "first_purchase_on": "date",
                    "last_purchase_on": "date",
                    "purchases": "integer",
                    "total_spent": "number",
                },
            ),
        ),
        (
            folder / "purchases.csv",
            Plan(
                subject="events",
                application_code=code,
                event="purchase",
                is_history=True,
                types={"cds": "integer", "amount": "number"},
            ),
        ),
    )
    await asyncio.to_thread(_write_files, examples / RECORD, folder, people)
    counts: list[int] = []
    for path, plan in plans:
        out.print(f"[bold]{path.stem}[/bold]")
        rejects = path.with_suffix(".rejects.csv")
        with progress_bar(path.name) as show:
            report = await import_file(resources, app.workspace_id, plan, path, rejects=rejects, on_progress=show)
        say_outcome(report, rejects)
        if plan.is_history and not report.was_done:
            # They are purchases of another century.
            async with resources.pool.connection() as conn:
                await keep_events_forever(conn, app)
        counts.append(report.rows_done - report.rows_refused)
    return counts[0]


def _write_files(record: Path, folder: Path, people: int | None) -> None:
    purchases = list(takewhile(lambda each: people is None or int(each.customer_id) <= people, read_purchases(record)))
    write_people(purchases, folder / "people.csv")
    write_events(purchases, folder / "purchases.csv")
