"""Patterns: the regular expressions that a segment may hold, rewritten so that the database reads them as we do.

Whoever writes a segment makes the database run the expression over everybody, so only a part of what PostgreSQL knows
is taken: what has the same meaning in PostgreSQL, Python and JavaScript, and compiles to a small automaton. No
back-references, no looking around, no repetition inside a repetition.
"""

from collections.abc import Callable

from sojourn.model.problems import SojournError

MAX_LENGTH = 200
MAX_REPEATS = 100
MAX_SIZE = 2_000
"""Characters to match once every `{n}` is written out."""

MAX_DEPTH = 10

_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r\f\v"}
_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_CONTROLS = {value: rf"\{key}" for key, value in _CHARACTERS.items()}


class PatternRefused(SojournError):
    """The text is no regular expression that may be used."""

    code = "segment.values"


def safe_pattern(text: str) -> str:
    r"""Return the expression as the database is to read it.

    It means the same there: `.` is any character, `$` the very end, `\d`, `\w` and `\s` are of ASCII.

    >>> safe_pattern(r"^v\d+(\.\d+)?$")
    '^v[0-9]+(?:\\.[0-9]+)?$'

    Raises:
        PatternRefused: With the position and the rule.
    """
    if len(text) > MAX_LENGTH:
        raise PatternRefused(f"a regular expression has at most {MAX_LENGTH} characters")
    return _Reader(text).whole()


class _Part:
    """A piece of the expression: how it is written, how large it is, whether it repeats."""

    def __init__(self, text: str, size: int = 1, *, repeats: bool = False, is_anchor: bool = False) -> None:
        self.text = text
        self.size = size
        self.repeats = repeats
        self.is_anchor = is_anchor


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> str:
        part = self._branches()
        if self._at < len(self._text):
            raise self._refusal("`)` closes no group")
        return part.text

    def _refusal(self, rule: str) -> PatternRefused:
        return PatternRefused(f"at character {self._at + 1} of the regular expression: {rule}")

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        taken = self._next
        self._at += 1
        return taken

    def _branches(self) -> _Part:
        parts = [self._branch()]
        while self._next == "|":
            self._take()
            parts.append(self._branch())
        repeats = any(part.repeats for part in parts)
        return _Part("|".join(part.text for part in parts), sum(part.size for part in parts), repeats=repeats)

    def _branch(self) -> _Part:
        whole = _Part("", 0)
        while self._next not in {"", "|", ")"}:
            part = self._repeated(self._atom())
            whole = _Part(whole.text + part.text, whole.size + part.size, repeats=whole.repeats or part.repeats)
            if whole.size > MAX_SIZE:
                raise self._refusal(f"it is larger than {MAX_SIZE:,} characters with its repetitions written out")
        return whole

    def _atom(self) -> _Part:
        match self._next:
            case "(":
                return self._group()
            case "[":
                return self._set()
            case ".":
                return _Part(self._take())
            case "^" | "$":
                return _Part(self._take(), 0, is_anchor=True)
            case "*" | "+" | "?" | "{":
                raise self._refusal(f"`{self._next}` has nothing to repeat; write `\\{self._next}` for the character")
            case "\\":
                return _Part(self._escape(lambda inner: f"[{inner}]", lambda inner: f"[^{inner}]"))
            case _:
                return _Part(_literal(self._take()))

    def _group(self) -> _Part:
        self._take()
        if self._next == "?":
            if self._text[self._at : self._at + 2] != "?:":
                raise self._refusal("of the groups that begin with `(?` only `(?:…)` is taken")
            self._at += 2
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refusal(f"groups nest at most {MAX_DEPTH} deep")
        part = self._branches()
        if self._take() != ")":
            raise self._refusal("a group is not closed")
        self._depth -= 1
        return _Part(f"(?:{part.text})", part.size, repeats=part.repeats)

    def _escape(self, inside: Callable[[str], str], outside: Callable[[str], str] | None) -> str:
        """Read a backslash and what follows; classes are spelt by the two functions."""
        self._take()
        character = self._take()
        if character in _CLASSES:
            return inside(_CLASSES[character])
        if outside is not None and character.lower() in _CLASSES:
            return outside(_CLASSES[character.lower()])
        if character in _CHARACTERS:
            return _literal(_CHARACTERS[character])
        if not character or character.isalnum():
            self._at -= 2
            known = r"\d \w \s \D \W \S \n \r \t \f \v"
            raise self._refusal(f"of the escapes with a letter or digit only {known} are taken")
        return _literal(character)

    def _set(self) -> _Part:
        self._take()
        negation = self._take() if self._next == "^" else ""
        inner = ""
        while self._next != "]":
            if not self._next:
                raise self._refusal("a set of characters is not closed")
            inner += self._member()
        self._take()
        if not inner:
            raise self._refusal("a set of characters is empty")
        return _Part(f"[{negation}{inner}]")

    def _member(self) -> str:
        """Read a character, a range or a class inside a set."""
        first = self._character()
        is_range = self._next == "-" and self._text[self._at + 1 : self._at + 2] not in {"]", ""}
        if first is None or not is_range:
            return self._class if first is None else _literal(first)
        self._take()
        last = self._character()
        if last is None or last < first:
            raise self._refusal("a range goes from one character to a later one")
        return f"{_literal(first)}-{_literal(last)}"

    _class = ""

    def _character(self) -> str | None:
        """Read one character of a set; None where a class stands, which is then in `_class`."""
        if self._next == "[":
            raise self._refusal(r"`[` inside a set is written `\[`")
        if self._next != "\\":
            return self._take()
        following = self._text[self._at + 1 : self._at + 2]
        if following in _CLASSES:
            self._class = self._escape(str, None)
            return None
        if following in _CHARACTERS:
            self._at += 2
            return _CHARACTERS[following]
        self._escape(str, None)
        return following

    def _repeated(self, part: _Part) -> _Part:
        sign = self._next
        if sign not in {"*", "+", "?", "{"} or not sign:
            return part
        if part.is_anchor:
            raise self._refusal("an anchor is not repeated")
        text, most = (self._take(), 1) if sign != "{" else self._bounds()
        if part.repeats and text != "?":
            raise self._refusal("a repetition inside a repetition is not taken")
        if self._next == "?":
            self._take()  # as few as possible or as many: whether there is a match is the same
        if self._next in {"*", "+", "?", "{"} and self._next:
            raise self._refusal("a repetition is not repeated")
        return _Part(part.text + text, part.size * most, repeats=True)

    def _bounds(self) -> tuple[str, int]:
        end = self._text.find("}", self._at)
        least, comma, most = self._text[self._at + 1 : max(end, self._at)].partition(",")
        if end < 0 or not _is_number(least) or (most and not _is_number(most)):
            raise self._refusal(r"bounds are `{n}`, `{n,}` or `{n,m}`; write `\{` for the character")
        low, high = int(least), int(most or least)
        if not low <= high <= MAX_REPEATS:
            raise self._refusal(f"bounds rise and are at most {MAX_REPEATS}")
        self._at = end + 1
        return f"{{{low}{comma}{high if most else ''}}}", max(high, 1)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _literal(character: str) -> str:
    """Write a character so that it stands for itself, in a set or outside."""
    if character in _CONTROLS:
        return _CONTROLS[character]
    return (
        f"\\{character}" if character.isascii() and not character.isalnum() and character.isprintable() else character
    )
