"""Liquid: one bounded environment per target. Decides what a template may do, and what it renders to.

A template sees four names, `profile`, `event`, `entry` and `now`, and nothing else: no files, no other templates, no
clock. What it may cost is bounded: loop passes, output, local variables, nesting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal

from liquid import BoundTemplate, Environment, RenderContext
from liquid.exceptions import LiquidError, LoopIterationLimitError

from sojourn.model.problems import SojournError
from sojourn.templates.filters import GROWING, OURS, bounded, product_guard
from sojourn.templates.markup import Piece, Unreadable, pieces

Target = Literal["html", "text"]
"""Where the result goes. Values are escaped for HTML, and left as they are for everything else."""

MAX_LOOP_PASSES = 10_000
MAX_OUTPUT_BYTES = 2_000_000
MAX_LOCAL_BYTES = 500_000
MAX_NESTING = 30

_FORBIDDEN_TAGS = ("include", "render")


class TemplateFailed(SojournError):
    """A template could not be rendered."""

    code = "template.failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a template sees.

    Attributes:
        now: The instant of the rendering, on the person's own clock (`local_time`).
    """

    profile: Mapping[str, object] = field(default_factory=dict[str, object])
    event: Mapping[str, object] = field(default_factory=dict[str, object])
    entry: Mapping[str, object] = field(default_factory=dict[str, object])
    now: datetime

    def names(self) -> dict[str, object]:
        """Return the variables by name. `today` is there because Liquid would else read the clock for it."""
        return {"profile": self.profile, "event": self.event, "entry": self.entry, "now": self.now, "today": self.now}


class _BoundedContext(RenderContext):
    """Counts the passes of all loops together; python-liquid bounds each nest of loops by itself."""

    __slots__ = ("passes",)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.passes: int = getattr(self, "passes", 0) + length
        if self.passes > MAX_LOOP_PASSES:
            raise LoopIterationLimitError(f"loops may take {MAX_LOOP_PASSES} passes in total", token=None)


class _BoundedTemplate(BoundTemplate):
    context_class = _BoundedContext


class _BoundedEnvironment(Environment):
    template_class = _BoundedTemplate
    block_nesting_limit = MAX_NESTING
    context_depth_limit = MAX_NESTING
    local_namespace_limit = MAX_LOCAL_BYTES
    loop_iteration_limit = MAX_LOOP_PASSES
    output_stream_limit = MAX_OUTPUT_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for name in _FORBIDDEN_TAGS:
            del self.tags[name]
        for name, filter_ in OURS:
            self.add_filter(name, filter_)
        for name, grown in GROWING:
            self.add_filter(name, product_guard(self.filters[name], grown))
        for name, filter_ in list(self.filters.items()):
            self.add_filter(name, bounded(filter_))


_ENVIRONMENTS: Mapping[Target, Environment] = {
    "html": _BoundedEnvironment(autoescape=True),
    "text": _BoundedEnvironment(autoescape=False),
}


@lru_cache(maxsize=256)
def _compiled(text: str, target: Target) -> BoundTemplate:
    found = pieces(text)
    if isinstance(found, Unreadable):
        raise TemplateFailed(f"line {_line_at(text, found.start)}: {found.text}")
    return _ENVIRONMENTS[target].from_string(text)


def check_template(text: str) -> str | None:
    r"""Return what is wrong with a template, with its line; None for a template that compiles.

    >>> check_template("Hello {{ profile.name | upcase }}")
    >>> check_template("Hello\n{{ profile.name | shout }}")
    'line 2: unknown filter `shout`'
    >>> check_template("{% include 'footer' %}")
    "line 1: unexpected tag 'include'"
    """
    found = pieces(text)
    if isinstance(found, Unreadable):
        return f"line {_line_at(text, found.start)}: {found.text}"
    environment = _ENVIRONMENTS["text"]
    try:
        filters = environment.from_string(text).analyze().filters
    except LiquidError as problem:
        return f"line {_line_of(problem, text, found)}: {problem.message}"
    except RecursionError:
        return "line 1: nested too deeply"
    unknown = [(spans[0].index, name) for name, spans in filters.items() if name not in environment.filters]
    if unknown:
        index, name = min(unknown)
        return f"line {_line_at(text, index)}: unknown filter `{name}`"
    return None


def _line_of(problem: LiquidError, text: str, found: Sequence[Piece]) -> int:
    """Return the line of a problem; where python-liquid names none, that of the first piece that fails by itself."""
    if problem.token is not None and problem.token.start_index >= 0:
        return _line_at(text, problem.token.start_index)
    for piece in found:
        try:
            _ENVIRONMENTS["text"].from_string(piece.text)
        except LiquidError as failure:
            if failure.message == problem.message:
                return _line_at(text, piece.start)
    return _line_at(text, len(text))


def _line_at(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def render(text: str, scope: Scope, *, target: Target = "text") -> str:
    """Render a template. A name that is not there renders empty.

    Raises:
        TemplateFailed: It does not compile, costs more than it may, or asks for the impossible, such as a division
            by zero.
    """
    if "{" not in text:
        return text
    try:
        return _compiled(text, target).render(scope.names())
    except LiquidError as problem:
        found = pieces(text)
        line = _line_of(problem, text, [] if isinstance(found, Unreadable) else found)
        raise TemplateFailed(f"line {line}: {problem.message}") from problem
    # python-liquid lets plain errors of Python through where a value does not fit a filter.
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as problem:
        raise TemplateFailed(f"{type(problem).__name__}: {problem}") from problem
