"""Paths into a request, in the words of the contract: `points[2].point_data.wait.duration_seconds`."""

import re
from collections.abc import Iterable, Sequence

from sojourn.model.problems import Problem, name_of

_INDEX = re.compile(r"[0-9]{1,7}")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}")


def member(path: str, name: str) -> str:
    r"""Return the path of a member of an object.

    >>> member("points[2]", "title"), member("", "title"), member("headers", 'x "y"')
    ('points[2].title', 'title', 'headers["x \\"y\\""]')
    """
    if not _PLAIN.fullmatch(name):
        quoted = name[:100].replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{name}" if path else name


def item(path: str, index: int) -> str:
    """Return the path of an item of a list.

    >>> item("points", 2)
    'points[2]'
    """
    return f"{path}[{index}]"


def joined(path: str, parts: Iterable[str]) -> str:
    """Return the path of what lies below `path`; of the parts of a problem's place, numbers are places in lists.

    >>> joined("points[2]", ["branches", "0", "²", "a~1b"])
    'points[2].branches[0]["²"]["a/b"]'
    """
    for part in parts:
        path = item(path, int(part)) if is_index(part) else member(path, name_of(part))
    return path


def is_index(part: str) -> bool:
    """Tell whether a part of a path can be a place in a list."""
    return _INDEX.fullmatch(part) is not None


def spelled(problem: Problem) -> str:
    """Write a problem in one line: `points[2].point_data.wait.foo: unknown field`."""
    return f"{problem.where}: {problem.text}" if problem.where else problem.text


def without_echoes(first: Sequence[Problem], second: Iterable[Problem]) -> list[Problem]:
    """Return both, but of `second` only what is neither above nor below a place that `first` complains about.

    A member of the wrong type would otherwise be reported a second time as missing.
    """
    places = [problem.where for problem in first]
    return [*first, *(problem for problem in second if not any(_touches(problem.where, place) for place in places))]


def _touches(one: str, other: str) -> bool:
    return one == other or _is_below(one, other) or _is_below(other, one)


def _is_below(path: str, root: str) -> bool:
    return path.startswith(root) and path[len(root) : len(root) + 1] in {".", "["}
