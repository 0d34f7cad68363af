"""Codes: the short names of apps and segments, `XXXXX-XXXXX`."""

import re
import secrets

ALPHABET = "0123456789ABCDEF"
CODE = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}")


def new_code() -> str:
    """Return a code that is nobody's yet, as far as chance can promise: one of a million million."""
    digits = "".join(secrets.choice(ALPHABET) for _ in range(10))
    return f"{digits[:5]}-{digits[5:]}"


def is_code(text: str) -> bool:
    """Tell whether a text has the form of a code.

    >>> is_code("A1B2C-00000"), is_code("a1b2c-00000"), is_code("A1B2C00000")
    (True, False, False)
    """
    return CODE.fullmatch(text) is not None
