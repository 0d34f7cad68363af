"""Routing: each route of the dialect is declared once; its server, its guard and its documentation read the same words.

    Route(
        verb="GET", path="/api/sites/{id}", name="getSite", tag="Sites", summary="Show a site.",
        commands=(c.GetSite,), query=Nothing, body=Nothing, reply=Site, handle=show, examples=(...),
    )

The commands say which role suffices (`service.roles`). `handle` gets a `Call`, in which the query and the body have
been decoded, and returns what becomes `{"data": …}`: a struct, a `Page` for lists, an `Answer` where status or headers
matter, or a whole response of Litestar.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from litestar.datastructures import Cookie

from sojourn.api.common.bodies import AnyRequest
from sojourn.model.problems import Problem, SojournError
from sojourn.service.commands import Caller, Role
from sojourn.service.errors import NotFound
from sojourn.service.roles import LEAST, ROLES
from sojourn.service.service import Service

Access = Literal["public", "session", "key"]
"""Anybody; who has signed in; the pages of a site, with an API key."""

Verb = Literal["DELETE", "GET", "PATCH", "POST", "PUT"]

BODY_MAX = 1_000_000
"""Bytes, where a route names no other limit."""

B = TypeVar("B")
Q = TypeVar("Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Q, B]):
    """One request: who asks, and what for.

    Attributes:
        address: Whom limits are for.
        over_tls: Tells whether browsers reach us over TLS.
        who: None where a route is public.
    """

    service: Service
    request: AnyRequest
    query: Q
    body: B
    address: str
    over_tls: Callable[[], bool]
    who: Caller | None

    @property
    def caller(self) -> Caller:
        """Return who asks, on routes that are not public."""
        assert self.who is not None, "a public route has no caller"
        return self.who

    def uuid(self, name: str, error: type[SojournError] = NotFound) -> UUID:
        """Return an id of the path.

        Raises:
            SojournError: The one given: it is no uuid, so nothing has it.
        """
        try:
            return UUID(self.text(name))
        except ValueError:
            raise error from None

    def text(self, name: str) -> str:
        """Return a word of the path."""
        return str(self.request.path_params[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer with more to it than its data.

    Attributes:
        meta: What stands beside the data, if the route declares something there.
    """

    data: object
    meta: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cookies: Sequence[Cookie] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A request and its answer, as the documentation shows them and tests check them.

    Attributes:
        body: Of the request, as JSON has it; None where there is none.
        data: What `data` of the answer is; of lists, its items.
        meta: What stands beside it, where the route declares something there.
    """

    title: str
    data: object
    meta: object = None
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[Q, B]):
    """One operation.

    Attributes:
        path: With `{name}` for what varies. Those below `/api/sdk` are served below `/api/v1/sdk`, too.
        name: Of the operation, in documents, metrics and logs.
        tag: The chapter of the documentation.
        commands: What it asks of the service. All roles that may ask for all of them may call.
        problems: Finds what keeps a JSON object from being the body although the types are right. It gets the object
            as it came, and passes over what is of a wrong type, so that all problems are told at once.
        least: The role that suffices, beyond what the commands say.
        reply: What `data` is, or an item of it; None: null.
        meta: What `meta` is of an answer that is no page of a list; None: there is none.
        status: Of success.
        refusals: Problem codes that it may answer, beside those of every route.
        media: Of an answer that is no JSON, such as `text/event-stream`.
    """

    verb: Verb
    path: str
    name: str
    tag: str
    summary: str
    handle: Callable[[Call[Q, B]], Awaitable[object]]
    query: type[Q]
    body: type[B]
    reply: Any
    access: Access = "session"
    commands: tuple[type, ...] = ()
    problems: Callable[[Mapping[str, Any]], Iterable[Problem]] | None = None
    least: Role = "viewer"
    is_list: bool = False
    meta: Any = None
    status: int = 200
    description: str = ""
    refusals: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    body_max: int = BODY_MAX
    media: str = "application/json"

    @property
    def role(self) -> Role:
        """Return the least role that may call."""
        needed = {self.least, *(LEAST[command] for command in self.commands)}
        return next(role for role in ROLES if role in needed)


AnyRoute = Route[Any, Any]
