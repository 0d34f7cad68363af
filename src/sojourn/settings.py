"""Settings: what an operator decides about a server, from the command line and the environment.

The names of the variables are `SOJOURN_` and the name of the setting. An argument of the command line goes before its
variable. Secrets come from the environment only, where no list of processes shows them, and never stand in a `repr`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from sojourn.delivery.smtp_pool import SmtpUrlMalformed, parse_smtp_url
from sojourn.model.identities import EMAIL
from sojourn.model.problems import SojournError
from sojourn.service.backlog import INBOX_MAX
from sojourn.service.codes import is_code

Role = Literal["api", "delivery", "engine"]
LogFormat = Literal["auto", "console", "json"]
ROLES: tuple[Role, ...] = ("api", "engine", "delivery")
"""In the order of starting; the reverse is not the order of stopping, see `cli.serving`."""

PREFIX = "SOJOURN_"
TOKEN_MIN = 16
SECRET_MIN = 32


class SettingInvalid(SojournError):
    """A setting has a value that it cannot have."""

    code = "setting.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a server runs. docs/running.md describes each.

    Attributes:
        database_url: None: the embedded server in `data_dir`.
        grpc_port: 0: no gRPC.
        jwks_url: Where the public keys are with which somebody else signs tokens.
        jwt_audience: Whom tokens have to be for.
        jwt_issuer: Who has to have made the tokens that somebody else signed.
        inbox_max: Rows that may wait for the engines before acceptance stops.
        public_url: Where those who get messages reach this server; None: at `host` and `port`.
        rate_limit: Requests a minute and address in the journeys dialect; 0: any number, as for the next two.
        rate_limit_auth: Of these, those that sign in and out.
        rate_limit_sdk: Requests a minute and API key of a site.
        smtp_url: None: emails go to the log.
        trusted_proxies: Whose word counts on whom a request comes from.
    """

    allowed_networks: tuple[str, ...] = ()
    api_token: str | None = field(default=None, repr=False)
    application_code: str | None = None
    data_dir: Path = Path("data")
    database_url: str | None = field(default=None, repr=False)
    engine_workers: int = 1
    from_email: str = "sojourn@localhost"
    grpc_port: int = 8081
    host: str = "127.0.0.1"
    inbox_max: int = INBOX_MAX
    jwks_url: str | None = None
    jwt_audience: str | None = None
    jwt_issuer: str | None = None
    jwt_secret: str | None = field(default=None, repr=False)
    log_format: LogFormat = "auto"
    log_level: str = "info"
    owner_email: str | None = None
    owner_password: str | None = field(default=None, repr=False)
    port: int = 8080
    public_url: str | None = None
    rate_limit: int = 100
    rate_limit_auth: int = 10
    rate_limit_sdk: int = 600
    roles: tuple[Role, ...] = ROLES
    shards: int = 8
    smtp_url: str | None = field(default=None, repr=False)
    trusted_proxies: tuple[str, ...] = ()
    workers: int = 1

    def environment(self) -> dict[str, str]:
        """Return the variables from which `read_settings` makes the same settings."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {PREFIX + name.upper(): _spell(value) for name, value in values.items() if value is not None}


def read_settings(environment: Mapping[str, str], **arguments: object) -> Settings:
    """Read settings. An argument that is None was not given, a variable that is empty neither.

    Raises:
        SettingInvalid: Names the variable or argument, and says which values are valid.
    """
    given: dict[str, Any] = {}
    for name, read in READERS.items():
        argument, variable = arguments.pop(name, None), environment.get(PREFIX + name.upper(), "")
        if argument is not None:
            given[name] = _read(f"--{name.replace('_', '-')}", _spell(argument), read)
        elif variable:
            given[name] = _read(PREFIX + name.upper(), variable, read)
    if arguments:
        raise AssertionError(f"no such settings: {', '.join(arguments)}")
    return Settings(**given)


def _read(source: str, text: str, read: Callable[[str], object]) -> object:
    try:
        return read(text)
    except ValueError as error:
        raise SettingInvalid(f"{source}: {error}") from error


def _spell(value: object) -> str:
    return ",".join(map(str, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else str(value)


def _application_code(text: str) -> str:
    if not is_code(text):
        raise ValueError("an application code has the form XXXXX-XXXXX, of capital letters and digits")
    return text


def _count(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"`{text}` is no whole number from {low} to {high}")
        return int(text)

    return read


def _database_url(text: str) -> str:
    if urlsplit(text).scheme not in {"postgres", "postgresql"}:
        raise ValueError("a database URL begins with postgresql://")
    return text


def _email(text: str) -> str:
    if not EMAIL.fullmatch(text):
        raise ValueError(f"`{text}` is no email address")
    return text


def _networks(text: str) -> tuple[str, ...]:
    networks = tuple(part for each in text.split(",") if (part := each.strip()))
    for network in networks:
        ip_network(network)  # its ValueError says what is wrong
    return networks


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"`{text}` is none of {', '.join(choices)}")
        return text

    return read


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"`{text}` is no address of the form https://host")
    return text.rstrip("/")


def _roles(text: str) -> tuple[Role, ...]:
    wanted = {part.strip() for part in text.split(",")}
    if not wanted or not wanted <= set(ROLES):
        raise ValueError(f"`{text}` is no list of {', '.join(ROLES)}, joined by commas")
    return tuple(role for role in ROLES if role in wanted)


def _secret(minimum: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) < minimum or not text.isprintable():
            raise ValueError(f"at least {minimum} printable characters are needed")
        return text

    return read


def _smtp_url(text: str) -> str:
    try:
        parse_smtp_url(text)
    except SmtpUrlMalformed as error:
        raise ValueError(error.text) from error
    return text


READERS: Mapping[str, Callable[[str], object]] = {
    "allowed_networks": _networks,
    "api_token": _secret(TOKEN_MIN),
    "application_code": _application_code,
    "data_dir": Path,
    "database_url": _database_url,
    "engine_workers": _count(1, 64),
    "from_email": str,
    "grpc_port": _count(0, 65535),
    "host": str,
    "inbox_max": _count(1000, 1_000_000_000),
    "jwks_url": _public_url,
    "jwt_audience": str,
    "jwt_issuer": str,
    "jwt_secret": _secret(SECRET_MIN),
    "log_format": _one_of("auto", "console", "json"),
    "log_level": _one_of("critical", "debug", "error", "info", "warning"),
    "owner_email": _email,
    "owner_password": _secret(8),
    "port": _count(1, 65535),
    "public_url": _public_url,
    "rate_limit": _count(0, 1_000_000),
    "rate_limit_auth": _count(0, 1_000_000),
    "rate_limit_sdk": _count(0, 1_000_000),
    "roles": _roles,
    "shards": _count(1, 1024),
    "smtp_url": _smtp_url,
    "trusted_proxies": _networks,
    "workers": _count(1, 64),
}
"""How each setting is read; ValueError says which values are valid, and never repeats a secret."""
