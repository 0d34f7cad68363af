"""Compression: bodies that come deflated, within a limit on what they become."""

import zlib

from sojourn.api.common.refusals import MalformedRequest, RequestTooLarge

_GZIP = 16 + zlib.MAX_WBITS


def inflate(body: bytes, encoding: str, *, limit: int) -> bytes:
    """Return a body as it was before it was compressed, as `Content-Encoding` says.

    Raises:
        MalformedRequest: The encoding is not supported, or the body is not in it.
        RequestTooLarge: There would be more than `limit` bytes; known before there are.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, limit)
        case _:
            raise MalformedRequest("a body is sent as it is, or with `Content-Encoding: gzip`")


def _gunzip(body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    try:
        inflated = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise MalformedRequest("the body is not gzip") from error
    if len(inflated) > limit:
        raise RequestTooLarge(f"the request is larger than {limit} bytes")
    if not inflater.eof:
        raise MalformedRequest("the body ended early")
    return inflated
