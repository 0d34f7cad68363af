"""Options that many commands share, and the settings that come of them."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sojourn.settings import Settings, read_settings

DataDir = Annotated[
    Path | None, typer.Option(help="Where the embedded database is, or is to be made.", show_default="./data")
]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="A PostgreSQL server instead of the embedded one.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_from(**arguments: object) -> Settings:
    """Read the settings; an argument goes before its variable."""
    return read_settings(os.environ, **arguments)
