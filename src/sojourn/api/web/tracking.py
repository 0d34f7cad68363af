"""Tracking: where the images and links of messages lead. Open to everybody, and never a word about what went wrong."""

from base64 import b64decode
from urllib.parse import quote

import structlog
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.bodies import AnyRequest
from sojourn.service.reactions import Reactions
from sojourn.service.tracking import CLICKS, OPENS

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""

NOT_KEPT = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"}
DEAD_LINK = b"This link does not work."

_URL_SAFE = ":/?#[]@!$&'()*+,;=%~"

log = structlog.get_logger()


def tracking_routes(reactions: Reactions) -> list[HTTPRouteHandler]:
    """Make the routes of the addresses in messages."""

    async def opened(request: AnyRequest) -> Response[bytes]:
        try:
            await reactions.open(str(request.path_params["token"]))
        except Exception:
            log.exception("reaction.failed")
        return Response(PIXEL, media_type="image/gif", headers=NOT_KEPT)

    async def clicked(request: AnyRequest) -> Response[bytes]:
        try:
            url = await reactions.click(str(request.path_params["token"]))
        except Exception:
            log.exception("reaction.failed")
            url = None
        if url is None:
            return Response(DEAD_LINK, status_code=404, media_type="text/plain", headers=NOT_KEPT)
        return Response(b"", status_code=302, headers=NOT_KEPT | {"location": quote(url, safe=_URL_SAFE)})

    return [
        HTTPRouteHandler(f"{path}{{token:str}}", http_method=HttpMethod.GET, opt={"is_public": True})(function)
        for path, function in ((OPENS, opened), (CLICKS, clicked))
    ]
