# ruff: noqa: D415 - a docstring is the default message
"""What is wrong with a request before anybody knows what it asks for. Codes as those of the service's errors."""

from sojourn.model.problems import SojournError


class InternalError(SojournError):
    """internal error"""


class MalformedRequest(SojournError):
    """the request is malformed"""

    code = "request.malformed"


class RequestTooLarge(SojournError):
    """the request is too large"""

    code = "request.too_large"


class UnknownMethod(SojournError):
    """there is no such method"""

    code = "method.unknown"


class UnknownPath(SojournError):
    """there is nothing at this path"""

    code = "not_found"
