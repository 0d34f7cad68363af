"""Parser: text to segment. Conditions are built as the text is read, so nesting costs no recursion."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Protocol, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args  # pyright: ignore[reportUnknownVariableType]

from sojourn.model.segments import All, AnyOf, Expression, Not
from sojourn.seglang.calls import call, finished, height, joined, negated, nested
from sojourn.seglang.errors import SeglangError
from sojourn.seglang.methods import method
from sojourn.seglang.terms import AttributeName, Chain, Items, Literal, Place, Term, Terms, Word
from sojourn.seglang.texts import EscapeUnknown, unquote

MAX_LENGTH = 20_000
MAX_DIGITS = 64
SHOWN = 40
QUOTES = "\"'"

_NAMES = {
    "$END": "the end", "AND": "`*`", "COMMA": "`,`", "DOT": "a method", "EXCEPT": r"`\`", "LPAR": "`(`",
    "BRACKET": "`[`",
    "NUMBER": "a number", "PLUS": "`+`", "RPAR": "`)`", "RSQB": "`]`", "TEXT": "a text in quotes", "WORD": "a name",
}  # fmt: skip


def parse(text: str) -> Expression:
    """Read a segment.

    >>> parse('A("XXXXX-XXXXX").tags("City").eq("London")') == parse('AT("XXXXX-XXXXX", "City", EQ, "London")')
    True

    Raises:
        SeglangError: The text is no segment; says where and what could stand there.
    """
    return finished(_read(text))


def located(text: str, expression: Expression, wheres: Iterable[str]) -> list[str]:
    """Return where the conditions start, in a text that means `expression`, to which places in that lead.

    >>> text = 'T("a", SET) * T("b", EQ)'
    >>> located(text, parse(text), ["of/1/values"])
    ['line 1, column 15']

    Args:
        text: Without problems of its own.
        expression: What it means.
        wheres: As `check_segment` tells places.
    """
    leaves = _read(text).leaves
    numbers = [min(_leaves_before(expression, where.split("/")), len(leaves) - 1) for where in wheres]
    places = [leaves[number] if leaves else Place(1, 1) for number in numbers]
    return [f"line {place.line}, column {place.column}" for place in places]


def _leaves_before(expression: Expression, steps: list[str]) -> int:
    """Count the conditions in front of the first that lies at, or below, a place."""
    match expression:
        case All(of=parts) | AnyOf(of=parts) if len(steps) > 1 and steps[0] == "of":
            chosen = int(steps[1])
            return sum(map(_leaves_in, parts[:chosen])) + _leaves_before(parts[chosen], steps[2:])
        case Not(of=part) if steps[:1] == ["of"]:
            return _leaves_before(part, steps[1:])
        case _:
            return 0


def _leaves_in(expression: Expression) -> int:
    match expression:
        case All(of=parts) | AnyOf(of=parts):
            return sum(map(_leaves_in, parts))
        case Not(of=part):
            return _leaves_in(part)
        case _:
            return 1


def _read(text: str) -> Chain:
    if len(text) > MAX_LENGTH:
        raise SeglangError(f"a segment has at most {MAX_LENGTH:,} characters")
    try:
        return _parser().parse(text)
    except UnexpectedToken as error:
        raise _unexpected(cast("Token", error.token), error.accepts, text) from error
    except UnexpectedCharacters as error:
        found = text[error.pos_in_stream or 0]
        told = "a text has no closing quote" if found in QUOTES else f"`{found}` means nothing here"
        raise SeglangError(told, line=error.line, column=error.column) from error


def _unexpected(token: Token, names: Iterable[str], text: str) -> SeglangError:
    expected = tuple(sorted(_NAMES[name] for name in names))
    wanted = f"where {' or '.join(expected)} is expected"
    if token.type == "$END":
        lines = text.split("\n")
        told, place = f"the text ends {wanted}", Place(len(lines), len(lines[-1]) + 1)
    else:
        told, place = f"`{token[:SHOWN]}` stands {wanted}", _place(token)
    return place.refusal(told, *expected)


@v_args(inline=True)
class _Builder(Transformer[Token, Chain]):
    """What each rule of the grammar stands for."""

    def start(self, chain: Chain | AttributeName) -> Chain:
        return _condition(chain)

    def union(self, *chains: Chain | AttributeName) -> Chain | AttributeName:
        if len(chains) == 1:
            return chains[0]
        parts = [_condition(chain) for chain in chains]
        return joined(parts[0].place, AnyOf, parts)

    def product(self, first: Chain | AttributeName, *more: Token | Chain | AttributeName) -> Chain | AttributeName:
        if not more:
            return first
        parts = [_condition(first)]
        symbol: Token | None = None
        for item in more:
            if isinstance(item, Token):
                symbol = item
            else:
                part = _condition(item)
                parts.append(negated(_place(symbol), part) if symbol and symbol.type == "EXCEPT" else part)
        return joined(parts[0].place, All, parts)

    def chain(self, first: Chain | AttributeName, *more: Token | tuple[Term, ...]) -> Chain | AttributeName:
        chain = first
        for number, name in enumerate(more):
            if isinstance(name, Token):
                after = more[number + 1] if number + 1 < len(more) else ()
                terms = Terms(_place(name), name, () if isinstance(after, Token) else after)
                chain = method(_condition(chain), _place(name), name, terms)
        return chain

    def call(self, name: Token, terms: tuple[Term, ...]) -> Chain | AttributeName:
        return call(_place(name), name, Terms(_place(name), name, terms))

    def group(self, chain: Chain | AttributeName) -> Chain:
        inner = _condition(chain)
        return nested(inner.place, finished(inner), height(inner), inner.leaves)

    def arguments(self, *terms: Term) -> tuple[Term, ...]:
        return terms

    def text(self, token: Token) -> Literal:
        try:
            return Literal(_place(token), unquote(token))
        except EscapeUnknown as error:
            raise _place(token).refusal(str(error)) from error

    def number(self, token: Token) -> Literal:
        if len(token) > MAX_DIGITS:
            raise _place(token).refusal(f"a number has at most {MAX_DIGITS} digits")
        value = int(token) if token.lstrip("-").isdigit() else float(token)
        if abs(value) == float("inf"):
            raise _place(token).refusal("the number is too large")
        return Literal(_place(token), value)

    def word(self, token: Token) -> Word | Literal:
        truth = {"true": True, "false": False}.get(token.lower())
        return Word(_place(token), str(token)) if truth is None else Literal(_place(token), truth)

    def items(self, bracket: Token, *items: Word | Literal | Items) -> Items:
        return Items(_place(bracket), items)


def _place(token: Token) -> Place:
    return Place(token.line or 1, token.column or 1)


def _condition(chain: Chain | AttributeName) -> Chain:
    if isinstance(chain, AttributeName):
        raise chain.place.refusal("`attr(…)` is no condition; it stands inside `Event(…)`", "a condition")
    return chain


class _Parser(Protocol):
    def parse(self, text: str) -> Chain: ...


@cache
def _parser() -> _Parser:
    grammar = (files("sojourn.seglang") / "seglang.lark").read_text(encoding="utf-8")
    # With a transformer, `parse` returns what that makes of `start`; the library's types do not say so.
    return cast("_Parser", Lark(grammar, parser="lalr", transformer=_Builder()))
