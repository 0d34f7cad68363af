"""What is wrong with a rule tree, and what a rule tree cannot say."""

from sojourn.model.problems import SojournError


class RuleTreeRefused(SojournError):
    """The document is no rule tree.

    The places of its problems are paths into the document, such as `rules.0.value`; that of the root is empty.
    """

    code = "segment.rule"


class RuleTreeUnsayable(SojournError):
    """No rule tree stands for exactly this segment."""

    code = "segment.unsayable"
