"""Authorization headers: `Api <token>` for servers, `Token <token>` for devices, `Bearer <token>` for who signed in."""

from sojourn.service.errors import NotAuthenticated

TOKEN_MAX = 1000


def token_of(header: str, *schemes: str, longest: int = TOKEN_MAX) -> str:
    """Return the token of an Authorization header.

    >>> token_of("api 123", "Api")
    '123'

    Raises:
        NotAuthenticated: There is no such header, or it is of another scheme.
    """
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() not in {known.lower() for known in schemes} or not 0 < len(token) <= longest:
        raise NotAuthenticated
    return token
