"""Resources: what the commands work with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sojourn.service.acceptance import Acceptance
from sojourn.service.facts import Facts
from sojourn.service.known_hooks import KnownHooks
from sojourn.service.passwords import Passwords
from sojourn.service.reactions import Reactions
from sojourn.service.surroundings import KnownSurroundings
from sojourn.service.watched import KnownWatches
from sojourn.store.connection import Pool


def _nobody_is_known() -> None:
    """Forget nobody."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Handed to every command. `clock` is the only source of the present time.

    Attributes:
        forget_callers: Called when an account, a session or a key changed, so that nobody is taken for who they were.
    """

    pool: Pool
    clock: Callable[[], datetime]
    facts: Facts
    acceptance: Acceptance
    reactions: Reactions
    hooks: KnownHooks = field(default_factory=KnownHooks)
    known: KnownSurroundings = field(default_factory=KnownSurroundings)
    passwords: Passwords = field(default_factory=Passwords)
    watches: KnownWatches = field(default_factory=KnownWatches)
    forget_callers: Callable[[], None] = _nobody_is_known
