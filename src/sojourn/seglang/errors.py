"""What is wrong with a text in the segmentation language, and where."""

from sojourn.model.problems import SojournError


class SeglangError(SojournError):
    """The text is no segment.

    Attributes:
        line: Counted from 1.
        column: Counted from 1.
        expected: What could stand there, where that is known.
    """

    code = "segment.syntax"

    def __init__(self, text: str, *, line: int = 1, column: int = 1, expected: tuple[str, ...] = ()) -> None:
        self.line = line
        self.column = column
        self.expected = expected
        super().__init__(f"line {line}, column {column}: {text}")
