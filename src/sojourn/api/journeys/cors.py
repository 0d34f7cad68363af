"""Pages of other origins: which may call the routes of the SDK.

No cookie counts there, and the key is public, so any page may read the answers. What a site restricts is from which
pages its key is taken; that is checked when the request itself comes, because a preflight carries no key.
"""

from typing import Any, TypeVar

from litestar import Response

from sojourn.api.common.bodies import AnyRequest
from sojourn.service.commands import Caller
from sojourn.service.errors import NotAllowed

PREFLIGHT = {
    "access-control-allow-headers": "content-type, last-event-id, x-api-key",
    "access-control-allow-methods": "DELETE, GET, PATCH, POST, PUT",
    "access-control-max-age": "7200",
}

R = TypeVar("R", bound=Response[Any])


def allow(response: R) -> R:
    """Let pages of any origin read a response."""
    response.headers["access-control-allow-origin"] = "*"
    response.headers["access-control-expose-headers"] = "retry-after, x-request-id"
    return response


def check_origin(caller: Caller, request: AnyRequest) -> None:
    """Make sure that the page that asks may use its site's key. Servers and apps name no origin.

    Raises:
        NotAllowed: The site lists origins, and this is none of them.
    """
    origin = request.headers.get("origin")
    if origin is not None and caller.origins and origin.lower() not in caller.origins:
        raise NotAllowed("pages of this origin may not use this API key")
