"""The browser SDK: `/sdk.js` for a script tag, `/sdk.mjs` as a module. Built from `sdk/` and kept in the package."""

import gzip
from hashlib import sha256
from importlib.resources import files

from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.common.bodies import AnyRequest

NAMES = ("sdk.js", "sdk.mjs")

HEADERS = {
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=300, stale-while-revalidate=86400",
    "cross-origin-resource-policy": "cross-origin",
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
}
"""Pages of any origin load it. A new release reaches them within minutes."""


class Script(Struct, frozen=True):
    """A file in both forms.

    Attributes:
        tag: Its entity tag, in quotes.
    """

    plain: bytes
    gzipped: bytes
    tag: str


def load(name: str) -> Script:
    """Read a built file from the package."""
    plain = files("sojourn.api.web").joinpath("assets", name).read_bytes()
    return Script(plain, gzip.compress(plain, 9, mtime=0), f'"{sha256(plain).hexdigest()[:20]}"')


def sdk_routes() -> list[HTTPRouteHandler]:
    """Make the routes of the SDK."""
    return [_route(name, load(name)) for name in NAMES]


def _route(name: str, script: Script) -> HTTPRouteHandler:
    async def serve(request: AnyRequest) -> Response[bytes]:
        return answer(script, request.headers.get("if-none-match", ""), request.headers.get("accept-encoding", ""))

    return HTTPRouteHandler(f"/{name}", http_method=HttpMethod.GET, opt={"is_public": True})(serve)


def answer(script: Script, if_none_match: str, accept_encoding: str) -> Response[bytes]:
    """Answer with the script, compressed where that is taken, or that the present one is still right."""
    headers = HEADERS | {"etag": script.tag}
    if script.tag in if_none_match:
        return Response(b"", status_code=304, headers=headers)
    if "gzip" in accept_encoding:
        return Response(script.gzipped, media_type="text/javascript", headers=headers | {"content-encoding": "gzip"})
    return Response(script.plain, media_type="text/javascript", headers=headers)
