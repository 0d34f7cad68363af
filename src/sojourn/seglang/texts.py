r"""Texts in quotes: reading and writing their escapes.

>>> unquote(r'"caf\u00e9"'), quote('say "hi"')
('café', '"say \\"hi\\""')
"""

import re

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_READ = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
_WRITTEN = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}
_TO_ESCAPE = re.compile(r'[\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class EscapeUnknown(ValueError):
    """A backslash starts no escape, or an escape stands for no character."""


def unquote(quoted: str) -> str:
    """Read a text in single or double quotes.

    Raises:
        EscapeUnknown: A backslash starts no escape, or an escape stands for no character.
    """
    text = _ESCAPE.sub(_character, quoted[1:-1])
    # Two escapes may make one character, as in JSON.
    try:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16") if _HALF_PAIR.search(text) else text
    except UnicodeDecodeError as error:
        raise EscapeUnknown("text cannot hold half of a surrogate pair") from error
    if "\0" in text:
        raise EscapeUnknown("text cannot hold the character NUL")
    return text


def quote(text: str) -> str:
    """Write a text in double quotes."""
    return f'"{_TO_ESCAPE.sub(_escape, text)}"'


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[2] not in _READ:
        raise EscapeUnknown(f"`\\{match[2]}` is no escape; a backslash starts one of \\n \\r \\t \\\\ \\\" \\' \\uXXXX")
    return _READ[match[2]]


def _escape(match: re.Match[str]) -> str:
    return _WRITTEN.get(match[0]) or f"\\u{ord(match[0]):04x}"
