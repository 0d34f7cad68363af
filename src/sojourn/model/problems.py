"""Problems: what is wrong with a document, where, in words for whoever wrote it."""

from msgspec import Struct


class Problem(Struct, frozen=True):
    """One thing wrong with a document. Problems are values; a check returns all of them.

    Attributes:
        code: Stable and documented, such as `output.unwired`.
        where: The place in our own document, such as `points/<id>` or `settings/capping`: parts between slashes.
            Names that somebody chose are written by `part`.
        text: The rule and the valid choices. States facts, addresses nobody.
    """

    code: str
    where: str
    text: str


def part(name: str) -> str:
    """Write a name that somebody chose as one part of a place: without slashes, and unlike a number.

    >>> part("a/b"), part("7"), part("~")
    ('a~1b', '~27', '~0')
    """
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"~2{escaped}" if escaped.isdecimal() else escaped


def name_of(part: str) -> str:
    """Return the name that `part` wrote.

    >>> name_of(part("a/b")), name_of(part("7")), name_of(part("~1"))
    ('a/b', '7', '~1')
    """
    return part.removeprefix("~2").replace("~1", "/").replace("~0", "~")


def legible(where: str) -> str:
    """Return a place with its names as they are, for reading."""
    return "/".join(map(name_of, where.split("/")))


class SojournError(Exception):
    """A promise that could not be kept. The base of every exception of ours.

    Attributes:
        code: Stable and documented; each dialect maps it to its own status.
        text: For whoever made the request.
        problems: The details, where a document is at fault.
        retry_after_s: After how many seconds the same may be asked again, where only the moment is wrong.
    """

    code = "internal"
    retry_after_s: int | None = None

    def __init__(self, text: str = "", *, problems: tuple[Problem, ...] = ()) -> None:
        self.text = text or (type(self).__doc__ or "").split("\n")[0]
        self.problems = problems
        super().__init__(self.text)
