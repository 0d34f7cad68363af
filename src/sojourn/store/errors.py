"""Errors: what failures of the database mean in our own words. Each dialect maps the codes to its status and shape."""

import contextlib
from collections.abc import Generator, Mapping
from types import TracebackType

from psycopg.errors import DeadlockDetected, IntegrityError, OperationalError, SerializationFailure

from sojourn.model.problems import SojournError

CONFLICTS = (SerializationFailure, DeadlockDetected)
"""Somebody else changed the same rows; the transaction has been undone as a whole and is simply run again."""


class AlreadyExists(SojournError):
    """It exists already."""

    code = "exists"


class AppCodeTaken(AlreadyExists):
    """An application of this code exists."""


class EmailTaken(AlreadyExists):
    """An account of this email address exists."""


class EventNameTaken(AlreadyExists):
    """An event of this name exists."""


class JourneyTaken(AlreadyExists):
    """A journey of this id exists."""


class PresetCodeTaken(AlreadyExists):
    """A preset of this code exists."""


class SegmentCodeTaken(AlreadyExists):
    """A filter of this code exists."""


class SegmentTitleTaken(AlreadyExists):
    """A filter of this name exists."""


class SiteTaken(AlreadyExists):
    """A site of this id exists."""


class TokenTaken(AlreadyExists):
    """This token exists."""


class WorkspaceNameTaken(AlreadyExists):
    """A workspace of this name exists."""


class Unavailable(SojournError):
    """the database does not answer; try again later"""  # noqa: D415 - a docstring is the default message

    code = "unavailable"
    retry_after_s = 1


class TookTooLong(SojournError):
    """it takes too long; ask for less, or at another time"""  # noqa: D415 - a docstring is the default message

    code = "too_long"


class AlreadyInside(SojournError):
    """The person is in this journey already."""

    code = "enrollment.active"


class AppUnknown(SojournError):
    """Application not found."""

    code = "app.unknown"


class IdempotencyKeyTaken(SojournError):
    """Another request with this idempotency key was first."""

    code = "idempotency.taken"


class JourneyUnknown(SojournError):
    """Journey not found."""

    code = "journey.unknown"


BROKEN_RULE: Mapping[str, type[SojournError]] = {
    "account_email_key": EmailTaken,
    "app_application_code_key": AppCodeTaken,
    "app_site_id_key": SiteTaken,
    "channel_setting_app_fkey": AppUnknown,
    "entry_request_journey_fkey": JourneyUnknown,
    "event_definition_app_fkey": AppUnknown,
    "event_definition_name_key": EventNameTaken,
    "idempotency_key_pkey": IdempotencyKeyTaken,
    "journey_app_fkey": AppUnknown,
    "journey_journey_uuid_key": JourneyTaken,
    "journey_version_journey_fkey": JourneyUnknown,
    "preset_app_fkey": AppUnknown,
    "preset_code_key": PresetCodeTaken,
    "segment_app_fkey": AppUnknown,
    "segment_code_key": SegmentCodeTaken,
    "segment_title_key": SegmentTitleTaken,
    "stay_one_active_key": AlreadyInside,
    "token_token_hash_key": TokenTaken,
    "workspace_name_key": WorkspaceNameTaken,
}


@contextlib.contextmanager
def domain_errors() -> Generator[None, None, None]:
    """Turn a broken constraint into the domain error it stands for; others pass untouched."""
    try:
        yield
    except IntegrityError as error:
        rule = BROKEN_RULE.get(error.diag.constraint_name or "")
        if rule is None:
            raise
        raise rule from error


class availability:  # noqa: N801 - it is used like the function beside it; every request passes it twice
    """Tell failures that have nothing to do with what was asked for: no connection, none free, no answer in time."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin something that takes the database."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise `Unavailable` in place of an error of the driver."""
        if isinstance(error, OperationalError):
            raise Unavailable from error
