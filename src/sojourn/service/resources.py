"""Resources: what the commands work with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sojourn.service.acceptance import Acceptance
from sojourn.service.facts import Facts
from sojourn.service.known_hooks import KnownHooks
from sojourn.service.reactions import Reactions
from sojourn.service.surroundings import KnownSurroundings
from sojourn.store.connection import Pool


@dataclass(frozen=True, slots=True)
class Resources:
    """Handed to every command. `clock` is the only source of the present time."""

    pool: Pool
    clock: Callable[[], datetime]
    facts: Facts
    acceptance: Acceptance
    reactions: Reactions
    hooks: KnownHooks = field(default_factory=KnownHooks)
    known: KnownSurroundings = field(default_factory=KnownSurroundings)
