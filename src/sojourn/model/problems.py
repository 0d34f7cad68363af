"""Problems: what is wrong with a document, where, in words for whoever wrote it."""

from msgspec import Struct


class Problem(Struct, frozen=True):
    """One thing wrong with a document. Problems are values; a check returns all of them.

    Attributes:
        code: Stable and documented, such as `output.unwired`.
        where: The place in our own document, such as `points/<id>` or `settings/capping`.
        text: The rule and the valid choices. States facts, addresses nobody.
    """

    code: str
    where: str
    text: str


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
