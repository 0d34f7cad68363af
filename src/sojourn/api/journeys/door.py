"""Door: who asks, and whether they may: limits first, then the session or the key, then the role.

A session comes as `Authorization: Bearer` or as a cookie. A cookie is sent by browsers without anybody asking, so what
changes something must come from a page of our own. Keys of sites are known to everybody who sees the pages; they open
the routes of the SDK and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from sojourn.api.common.addresses import Proxies
from sojourn.api.common.authorization import TOKEN_MAX, token_of
from sojourn.api.common.bodies import AnyRequest
from sojourn.api.common.rate_limits import RateLimit
from sojourn.api.journeys.routing import AnyRoute
from sojourn.service.commands import Caller, Role
from sojourn.service.errors import NotAllowed, NotAuthenticated
from sojourn.service.roles import ROLES, role_of, suffices
from sojourn.service.service import Service

COOKIE = "session_token"
KEY_HEADER, KEY_FIELD, KEY_PARAMETER = "x-api-key", "_apiKey", "apiKey"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
AUTH_PREFIX = "/api/auth/"
JWT_MAX = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Requests a minute; 0: any number.

    Attributes:
        per_address: On all routes but those of the SDK; and on those, as many more with keys that are none.
        auth: Of these, on routes that sign in and out, per address.
        sdk: On routes of the SDK, per key.
    """

    per_address: int = 100
    auth: int = 10
    sdk: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorOptions:
    """How the dialect is guarded.

    Attributes:
        public_url: Where browsers reach us, if not at the host that they name.
    """

    limits: RateLimits = RateLimits()
    proxies: Proxies = field(default_factory=Proxies)
    public_url: str | None = None


class Door:
    """Tells who asks."""

    def __init__(self, service: Service, options: DoorOptions) -> None:
        clock = service.resources.clock
        self._service = service
        self._proxies = options.proxies
        self._roles: dict[str, frozenset[Role]] = {}  # by route: those that may call it
        self._public_url = options.public_url
        self._per_address = RateLimit(options.limits.per_address, clock)
        self._auth = RateLimit(options.limits.auth, clock)
        self._sdk = RateLimit(options.limits.sdk, clock)
        self._wrong_keys = RateLimit(options.limits.per_address, clock)

    def address(self, request: AnyRequest) -> str:
        """Return whom limits are for."""
        return self._proxies.client(request)

    def is_secure(self, request: AnyRequest) -> bool:
        """Tell whether browsers reach us over TLS."""
        return self._proxies.is_secure(request) or (self._public_url or "").startswith("https:")

    def admit(self, route: AnyRoute, address: str) -> None:
        """Count a request of an address; those with a key are counted by their key.

        Raises:
            TooOften: There were enough in this minute.
        """
        if route.access == "key":
            return
        if route.path.startswith(AUTH_PREFIX):
            self._auth.count(address)
        self._per_address.count(address)

    async def caller(self, route: AnyRoute, request: AnyRequest) -> Caller:
        """Return who has signed in.

        Raises:
            NotAllowed: The role does not suffice.
            NotAuthenticated: There is no session in force.
        """
        caller = await self._service.signed_in(session_token(request))
        if not self._may_call(route, caller):
            raise NotAllowed(f"the role {route.role.upper()} is needed")
        return caller

    def _may_call(self, route: AnyRoute, caller: Caller) -> bool:
        if route.name not in self._roles:
            self._roles[route.name] = frozenset(role for role in ROLES if suffices(role, route.role))
        return role_of(caller) in self._roles[route.name]

    def refuse_strangers(self, request: AnyRequest) -> None:
        """Refuse what a page of another site makes a browser send along with the cookie, or to get one.

        Raises:
            NotAllowed: A browser says that this is so.
        """
        if request.method in SAFE or request.headers.get("authorization"):
            return
        origin = request.headers.get("origin")
        if origin is None:
            is_ours = request.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
        else:
            ours = {request.headers.get("host", ""), urlsplit(self._public_url or "").netloc}
            is_ours = _host(origin) in ours - {""}
        if not is_ours:
            raise NotAllowed("a page of another site cannot use this session")

    async def site(self, request: AnyRequest, body: Mapping[str, Any], address: str) -> Caller:
        """Return the site that a key opens, having counted the request.

        A key that nobody here has seen is looked up only for addresses that did not try too many.

        Raises:
            NotAuthenticated: There is no key, or it is not in force.
            TooOften: There were enough requests with this key, or with wrong ones from this address, in this minute.
        """
        key = _key_of(request, body)
        if not self._service.has_seen(key):
            self._wrong_keys.check(address)
        try:
            caller = await self._service.authenticate(key, "site")
        except (NotAllowed, NotAuthenticated):
            self._wrong_keys.count(address)
            raise NotAuthenticated("a valid API key is required") from None
        self._sdk.count(key)
        return caller


def session_token(request: AnyRequest) -> str:
    """Return the token of a session: of the header, or of the cookie.

    Raises:
        NotAuthenticated: There is none.
    """
    if header := request.headers.get("authorization", ""):
        return token_of(header, "Bearer", longest=JWT_MAX)
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        morsel = None
    if morsel is None or not 0 < len(morsel.value) <= JWT_MAX:
        raise NotAuthenticated("a session is required; API keys do not open this route")
    return morsel.value


def _host(origin: str) -> str:
    """Return host and port of an origin; an empty text for what is none.

    >>> _host("https://a.example:8443"), _host("null"), _host("http://[")
    ('a.example:8443', '', '')
    """
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _key_of(request: AnyRequest, body: Mapping[str, Any]) -> str:
    """Return the key: of the header, or of the body, or of the query of a GET, in this order."""
    given: object = request.headers.get(KEY_HEADER) or body.get(KEY_FIELD)
    if not given and request.method == "GET":
        given = request.query_params.get(KEY_PARAMETER)
    if not isinstance(given, str) or not 0 < len(given) <= TOKEN_MAX:
        raise NotAuthenticated("an API key is required")
    return given
