"""Agents: what a browser says of the device that it runs on, in the words that segments compare. Pure.

A library would tell hundreds of browsers apart, in words that had to be translated into these.
"""

from collections.abc import Mapping, Sequence

AGENT_MAX = 1000
"""Characters of a `User-Agent` that are looked at."""

# What stands first counts: many browsers name others, too, to be served what those are served.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iOS"), ("iPad", "iOS"), ("iPod", "iOS"), ("Android", "Android"),
    ("CrOS", "ChromeOS"), ("Macintosh", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_of(agent: str) -> Mapping[str, str]:
    """Return `type` (`desktop`, `mobile`, `tablet`), `os` and `browser` of a `User-Agent`; nothing of another program.

    >>> device_of("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1 Version/18.5 Safari/604.1")
    {'browser': 'Safari', 'os': 'iOS', 'type': 'mobile'}
    >>> device_of("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0")
    {'browser': 'Edge', 'os': 'Windows', 'type': 'desktop'}
    >>> device_of("python-httpx/0.28.1")
    {}
    """
    agent = agent[:AGENT_MAX]
    browser, system = _first(_BROWSERS, agent), _first(_SYSTEMS, agent)
    if not browser or not system:
        return {}
    return {"browser": browser, "os": system, "type": _type(agent)}


def _first(names: Sequence[tuple[str, str]], agent: str) -> str:
    return next((name for sign, name in names if sign in agent), "")


def _type(agent: str) -> str:
    """Tablets with Android leave out the `Mobile` that phones say."""
    if "iPad" in agent or ("Android" in agent and "Mobile" not in agent):
        return "tablet"
    return "mobile" if any(sign in agent for sign in ("Mobile", "iPhone", "iPod")) else "desktop"
