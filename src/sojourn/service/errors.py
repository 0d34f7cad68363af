"""What can go wrong with a command, in words of our own. Each dialect maps the codes to its status and shape."""

from sojourn.model.lifecycle import Status
from sojourn.model.problems import Problem, SojournError


class InvalidDocument(SojournError):
    """The document has problems."""

    code = "document.invalid"


class InvalidState(SojournError):
    """The journey's status does not allow this.

    Attributes:
        command: What was asked for: `start`, `update`, `delete`, …
        status: The journey's status, which dialects name in their own words; None where it does not matter.
    """

    code = "journey.invalid_state"

    def __init__(
        self,
        text: str = "",
        *,
        problems: tuple[Problem, ...] = (),
        command: str = "",
        status: Status | None = None,
    ) -> None:
        self.command = command
        self.status: Status | None = status
        super().__init__(text or (f"cannot {command} journey in status {status}" if status else ""), problems=problems)


class JourneyNotFound(SojournError):
    """journey not found"""

    code = "journey.unknown"


class AppNotFound(SojournError):
    """application not found"""

    code = "app.unknown"


class NotFound(SojournError):
    """not found"""

    code = "not_found"


class PointNotFound(NotFound):
    """point not found"""


class DeviceNotFound(NotFound):
    """device not found"""


class InUse(SojournError):
    """it is in use"""

    code = "in_use"


class MessageNotFound(NotFound):
    """message not found"""


class PersonNotFound(NotFound):
    """user not found"""


class PresetNotFound(NotFound):
    """preset not found"""


class SiteNotFound(NotFound):
    """site not found"""


class SegmentNotFound(NotFound):
    """segment not found"""


class NotAuthenticated(SojournError):
    """a valid token is required"""

    code = "unauthenticated"


class NotAllowed(SojournError):
    """the token does not allow this"""

    code = "not_allowed"


class AlreadyExists(SojournError):
    """it exists already"""

    code = "exists"


class IdempotencyMismatch(SojournError):
    """the idempotency key was used with another request"""

    code = "idempotency.mismatch"


class TooManyRequests(SojournError):
    """Enhance your calm! only one request per minute is allowed"""

    code = "rate_limited"

    def __init__(self, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__()


class TooManyAttempts(SojournError):
    """too many attempts to sign in; try again later"""

    code = "rate_limited"

    def __init__(self, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__()


class Overloaded(SojournError):
    """too much is waiting to be accepted; try again later"""

    code = "overloaded"

    def __init__(self, text: str = "", *, retry_after_s: int = 1) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(text)


class JourneyNotRunning(SojournError):
    """Journey is not running"""

    code = "journey.not_running"


class NoApiEntry(SojournError):
    """zero api start points"""

    code = "entry.none"


class SeveralApiEntries(SojournError):
    """there is more then one api start point"""

    code = "entry.several"


class EntryDeactivated(SojournError):
    """point is deactivated"""

    code = "entry.deactivated"


class BadSelector(SojournError):
    """one of users, hwids or filter must be provided"""

    code = "entry.selector"


class UnknownAttribute(SojournError):
    """unknown attribute"""

    code = "entry.attribute_unknown"


class InvalidFilter(SojournError):
    """invalid filter"""

    code = "filter.invalid"
