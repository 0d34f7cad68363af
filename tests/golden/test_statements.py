"""Statements of a tick keep to one shard, and never read a clock: every text is parsed, generated or not.

In each level of a query where a people table is read or changed, that level itself says `shard = %(shard)s` about it.
A join on the shard of another table is not enough: on a cluster it would make the tick leave its node.
"""

# ruff: noqa: N802 - the names of a visitor's functions are those of the parser's nodes

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import pytest
from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind, BoolExprType, SetOperation
from pglast.visitors import Visitor

from sojourn.compiler.check import check
from sojourn.store.queries import parse
from tests.golden.test_golden import CASES, SCOPE, charted, load, statements

ACROSS_SHARDS = frozenset({"next_alarm", "read_shards", "shards_with_transfers", "shards_with_work"})
"""Queries that look for work, before a tick begins."""

CLOCKS = frozenset({"clock_timestamp", "now", "random", "statement_timestamp", "timeofday", "transaction_timestamp"})
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
SHARD = 1
"""The number of the parameter `shard`."""


@cache
def people_tables() -> frozenset[str]:
    """Return the tables that schema.sql lists as people tables."""
    schema = (files("sojourn.store") / "sql" / "schema.sql").read_text(encoding="utf-8")
    section = re.search(r"^-- People tables -+$(.*?)^-- \w+ -+$", schema, re.MULTILINE | re.DOTALL)
    assert section, "schema.sql has a section of people tables"
    return frozenset(re.findall(r"^create table (\w+) \(", section[1], re.MULTILINE))


def parsed(text: str) -> ast.Node:
    """Parse a statement with named parameters; `shard` becomes the first."""
    names = ["shard", *dict.fromkeys(name for name in PLACEHOLDER.findall(text) if name != "shard")]
    numbered = PLACEHOLDER.sub(lambda found: f"${names.index(found[1]) + 1}", text).replace("%%", "%")
    (statement,) = parse_sql(numbered)
    return statement.stmt


class Complaints(Visitor):
    """Collect where a statement leaves its shard or reads a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def visit_CommonTableExpr(self, _ancestors, node: ast.CommonTableExpr) -> None:
        assert node.ctename not in people_tables(), f"the set `{node.ctename}` has the name of a table"

    def visit_SelectStmt(self, _ancestors, node: ast.SelectStmt) -> None:
        self._level(list(node.fromClause or ()), node.whereClause)

    def visit_UpdateStmt(self, _ancestors, node: ast.UpdateStmt) -> None:
        self._level([node.relation, *(node.fromClause or ())], node.whereClause)

    def visit_DeleteStmt(self, _ancestors, node: ast.DeleteStmt) -> None:
        self._level([node.relation, *(node.usingClause or ())], node.whereClause)

    def visit_InsertStmt(self, _ancestors, node: ast.InsertStmt) -> None:
        if node.relation.relname not in people_tables():
            return
        place = [column.name for column in node.cols].index("shard")
        for row in leaves(node.selectStmt):
            given = row[place].val if isinstance(row[place], ast.ResTarget) else row[place]
            if not is_shard(given):
                self.found.append(f"a row of `{node.relation.relname}` is inserted into another shard")

    def visit_FuncCall(self, _ancestors, node: ast.FuncCall) -> None:
        name = node.funcname[-1].sval
        if name in CLOCKS:
            self.found.append(f"`{name}` is no argument")

    def visit_SQLValueFunction(self, _ancestors, _node: ast.SQLValueFunction) -> None:
        self.found.append("the clock of the database is read")

    def _level(self, sources: list[ast.Node], where: ast.Node | None) -> None:
        tables = [table for source in sources for table in ranges(source)]
        conditions = [*conjuncts(where), *(each for source in sources for each in join_conditions(source))]
        bound = {alias for condition in conditions if (alias := bound_alias(condition)) is not None}
        for table in tables:
            alias = table.alias.aliasname if table.alias else table.relname
            if table.relname in people_tables() and alias not in bound:
                self.found.append(f"`{table.relname} as {alias}` is not restricted to the shard")


def leaves(query: ast.SelectStmt) -> Iterator[tuple[ast.Node, ...]]:
    """Yield the rows that an insert takes: of a list of values, or the columns of each select of a union."""
    if query.op != SetOperation.SETOP_NONE:
        yield from leaves(query.larg)
        yield from leaves(query.rarg)
    elif query.valuesLists:
        yield from query.valuesLists
    else:
        yield query.targetList


def ranges(source: ast.Node) -> Iterator[ast.RangeVar]:
    """Yield the tables of an item of a from clause; not those of subqueries, which are levels of their own."""
    if isinstance(source, ast.RangeVar):
        yield source
    if isinstance(source, ast.JoinExpr):
        yield from ranges(source.larg)
        yield from ranges(source.rarg)


def join_conditions(source: ast.Node) -> Iterator[ast.Node]:
    if isinstance(source, ast.JoinExpr):
        yield from join_conditions(source.larg)
        yield from join_conditions(source.rarg)
        yield from conjuncts(source.quals)


def conjuncts(condition: ast.Node | None) -> Iterator[ast.Node]:
    """Yield the parts of a condition that all have to hold."""
    if isinstance(condition, ast.BoolExpr) and condition.boolop == BoolExprType.AND_EXPR:
        for part in condition.args:
            yield from conjuncts(part)
    elif condition is not None:
        yield condition


def bound_alias(condition: ast.Node) -> str | None:
    """Return `x` of a condition `x.shard = %(shard)s`."""
    if not isinstance(condition, ast.A_Expr) or condition.kind != A_Expr_Kind.AEXPR_OP or condition.name[0].sval != "=":
        return None
    column = condition.lexpr
    if not isinstance(column, ast.ColumnRef) or not is_shard(condition.rexpr):
        return None
    *alias, name = (field.sval for field in column.fields)
    return alias[0] if name == "shard" and alias else None


def is_shard(node: ast.Node) -> bool:
    inner = node.arg if isinstance(node, ast.TypeCast) else node
    return isinstance(inner, ast.ParamRef) and inner.number == SHARD


def complaints(text: str) -> list[str]:
    visitor = Complaints()
    visitor(parsed(text))
    return visitor.found


GENERATED = {
    f"{case.name}/{name}": statement.sql
    for case in CASES
    if not check(load(case), SCOPE)
    for name, statement in statements(charted(load(case)))
}
STATIC = dict(parse((files("sojourn.store") / "sql/queries/tick.sql").read_text(encoding="utf-8"), "tick.sql"))


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_a_generated_statement_keeps_to_its_shard(name: str) -> None:
    assert complaints(GENERATED[name]) == []


@pytest.mark.parametrize("name", sorted(STATIC.keys() - ACROSS_SHARDS))
def test_a_query_of_the_tick_keeps_to_its_shard(name: str) -> None:
    assert complaints(STATIC[name]) == []


def test_the_people_tables_are_known() -> None:
    assert {
        "alarm",
        "enrollment",
        "event",
        "inbox",
        "message",
        "passage",
        "profile",
        "stay",
        "tally",
    } <= people_tables()
    assert not {"journey", "listener", "point"} & people_tables()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("select s.point_no from stay as s where s.journey_id = 1", "not restricted"),
        ("select s.point_no from stay as s where s.shard = 1", "not restricted"),
        ("select s.point_no from stay as s where s.shard = %(shard)s or true", "not restricted"),
        (
            "select s.point_no from profile as p join stay as s on s.shard = p.shard where p.shard = %(shard)s",
            "not restricted",
        ),
        (
            "select from profile as p where p.shard = %(shard)s and exists (select from stay as s where p.shard = 1)",
            "not restricted",
        ),
        ("delete from stay as s using profile as p where p.shard = %(shard)s", "not restricted"),
        ("update stay as s set wake_at = %(now)s", "not restricted"),
        ("insert into alarm (journey_id, shard) select 1, 2", "another shard"),
        ("insert into alarm (shard) values (%(shard)s), (%(other)s)", "another shard"),
        ("insert into alarm (shard) select %(shard)s union all select 2", "another shard"),
        ("select now()", "no argument"),
        ("select current_timestamp", "clock"),
        ("select j.title from journey as j where j.updated_at < localtimestamp", "clock"),
    ],
)
def test_what_leaves_the_shard_is_noticed(text: str, complaint: str) -> None:
    (found,) = complaints(text)
    assert complaint in found


@pytest.mark.parametrize(
    "text",
    [
        "select s.point_no from stay as s where s.shard = %(shard)s::smallint and s.journey_id = 1",
        "with stays as (select from stay as s where s.shard = %(shard)s) select from stays",
        "select from profile as p left join stay as s on s.shard = %(shard)s where p.shard = %(shard)s",
        "insert into alarm (journey_id, shard) select 1, %(shard)s::smallint",
    ],
)
def test_what_keeps_to_the_shard_is_not(text: str) -> None:
    assert complaints(text) == []
