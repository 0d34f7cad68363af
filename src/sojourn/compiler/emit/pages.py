"""Pages: whether the address of a page matches a rule, and a click an element, as SQL over the data of an event."""

from sojourn.compiler.emit.statement import Draft
from sojourn.model.browsing import SELECTOR, URL
from sojourn.model.patterns import safe_pattern
from sojourn.model.points import PageVisit, UrlMatch


def page_clause(rule: PageVisit | UrlMatch, data: str, draft: Draft) -> str:
    """Return the clause that the attribute `url` of the JSON object `data` matches; null where there is none."""
    address = f"({data} ->> '{URL}')"
    if rule.pattern.startswith(("/", "^/")):
        address = f"page_path_v1({address})"
    pattern = rule.pattern if rule.match_type != "REGEX" else safe_pattern(rule.pattern)
    wanted = draft.parameters.add(pattern, "text")
    match rule.match_type:
        case "EXACT":
            bare = f"split_part({address}, '#', 1)"
            return f"{wanted} in ({address}, {bare}, split_part({bare}, '?', 1))"
        case "CONTAINS":
            return f"strpos({address}, {wanted}) > 0"
        case "STARTS_WITH":
            return f"starts_with({address}, {wanted})"
        case "ENDS_WITH":
            return f"right({address}, length({wanted})) = {wanted}"
        case "REGEX":
            return f"{address} ~ {wanted}"


def click_clause(selector: str, data: str, draft: Draft) -> str:
    """Return the clause that the attribute `selector` of `data` is this one, or a list that holds it."""
    return f"({data} -> '{SELECTOR}') @> to_jsonb({draft.parameters.add(selector, 'text')})"
