"""Service: the one door to everything that Sojourn can be asked to do."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, overload

import structlog

from sojourn.model.hooks import Reading
from sojourn.service import commands as c
from sojourn.service.acceptance import Acceptance
from sojourn.service.accounts import (
    change_password,
    create_account,
    delete_account,
    get_account,
    get_self,
    list_accounts,
    list_sessions,
    revoke_session,
    update_account,
)
from sojourn.service.apps import list_apps, set_event_retention
from sojourn.service.attributes import get_attributes
from sojourn.service.backlog import INBOX_MAX, Backlog
from sojourn.service.bulk import get_bulk_request, set_attributes_in_bulk
from sojourn.service.calls import track_calls
from sojourn.service.contents import create_content, delete_content, get_content, list_contents, update_content
from sojourn.service.contests import choose_winner
from sojourn.service.deletion import delete_device, delete_person, unregister_device
from sojourn.service.edits import edit_journey
from sojourn.service.enrollments import count_enrollments, list_enrollments, stop_enrollment
from sojourn.service.entries import drop_people, enroll_by_api, get_entry_request
from sojourn.service.errors import InvalidDocument, NotAllowed
from sojourn.service.event_definitions import define_event, list_event_definitions
from sojourn.service.events import event_notice, open_application, post_event
from sojourn.service.exporting.plan import ExportPlan, TextFormat
from sojourn.service.exporting.run import export_text
from sojourn.service.facts import Facts
from sojourn.service.history.people import find_people, get_person
from sojourn.service.history.presence import explain_presence
from sojourn.service.history.timeline import get_timeline
from sojourn.service.hooks import (
    Posted,
    create_webhook,
    delete_webhook,
    get_webhook,
    list_webhooks,
    receive,
    try_webhook,
    update_webhook,
)
from sojourn.service.importing.files import Source
from sojourn.service.importing.members import MembersPlan, MembersReport, import_members
from sojourn.service.importing.plan import Plan as ImportPlan
from sojourn.service.importing.rejects import RejectList
from sojourn.service.importing.run import Report, import_stream
from sojourn.service.journeys import (
    create_journey,
    delete_journey,
    get_journey,
    list_journeys,
    update_journey,
    validate_journey,
)
from sojourn.service.lists import change_members, create_list, list_members
from sojourn.service.notices import Notice
from sojourn.service.pages import Pages
from sojourn.service.passwords import Passwords
from sojourn.service.people import (
    alias,
    alias_notice,
    attributes_notice,
    device_notice,
    email_notice,
    register_device,
    register_email,
    register_user,
    set_attributes,
)
from sojourn.service.presets import create_preset, delete_preset, get_preset, list_presets
from sojourn.service.reactions import Reactions
from sojourn.service.reported import report_message
from sojourn.service.reports import get_statistics
from sojourn.service.resources import Resources
from sojourn.service.roles import ALLOWED_TO
from sojourn.service.segment_questions import count_segment, explain_segment, preview_segment
from sojourn.service.segments import (
    create_segment,
    delete_segment,
    get_audience,
    get_segment,
    list_audiences,
    list_segments,
    update_segment,
)
from sojourn.service.sessions import SessionOptions, Sessions, SignedIn
from sojourn.service.sites import (
    create_site,
    create_site_key,
    delete_site,
    get_site,
    list_site_keys,
    list_sites,
    revoke_site_key,
    update_site,
)
from sojourn.service.statuses import change_status
from sojourn.service.tokens import Gate
from sojourn.service.visitors import get_shown, get_site_config, get_visitor, report_content, start_journey
from sojourn.service.write_keys import create_write_key, list_write_keys, revoke_write_key
from sojourn.store.connection import Conn, Pool
from sojourn.store.errors import Unavailable, availability
from sojourn.store.tokens import TokenKind

# A handler takes the type of command that stands beside it, and `run` hands it no other.
Handler = Callable[[Resources, c.Caller, Any], Awaitable[Any]]

HANDLERS: tuple[tuple[type, Handler], ...] = (
    (c.CountEnrollments, count_enrollments),
    (c.EditJourney, edit_journey),
    (c.ListEnrollments, list_enrollments),
    (c.StopEnrollment, stop_enrollment),
    (c.Alias, alias),
    (c.ChangeMembers, change_members),
    (c.ChangePassword, change_password),
    (c.ChangeStatus, change_status),
    (c.ChooseWinner, choose_winner),
    (c.CountSegment, count_segment),
    (c.CreateAccount, create_account),
    (c.CreateContent, create_content),
    (c.CreateJourney, create_journey),
    (c.CreateList, create_list),
    (c.CreatePreset, create_preset),
    (c.CreateSegment, create_segment),
    (c.CreateSite, create_site),
    (c.CreateSiteKey, create_site_key),
    (c.CreateWebhook, create_webhook),
    (c.CreateWriteKey, create_write_key),
    (c.DefineEvent, define_event),
    (c.DeleteAccount, delete_account),
    (c.DeleteContent, delete_content),
    (c.DeleteDevice, delete_device),
    (c.DeleteJourney, delete_journey),
    (c.DeletePerson, delete_person),
    (c.DeletePreset, delete_preset),
    (c.DeleteSegment, delete_segment),
    (c.DeleteSite, delete_site),
    (c.DeleteWebhook, delete_webhook),
    (c.DropPeople, drop_people),
    (c.EnrollByApi, enroll_by_api),
    (c.ExplainPresence, explain_presence),
    (c.ExplainSegment, explain_segment),
    (c.FindPeople, find_people),
    (c.GetAccount, get_account),
    (c.GetAttributes, get_attributes),
    (c.GetAudience, get_audience),
    (c.GetBulkRequest, get_bulk_request),
    (c.GetContent, get_content),
    (c.GetEntryRequest, get_entry_request),
    (c.GetJourney, get_journey),
    (c.GetPerson, get_person),
    (c.GetPreset, get_preset),
    (c.GetSegment, get_segment),
    (c.GetSelf, get_self),
    (c.GetShown, get_shown),
    (c.GetSite, get_site),
    (c.GetSiteConfig, get_site_config),
    (c.GetVisitor, get_visitor),
    (c.GetStatistics, get_statistics),
    (c.GetTimeline, get_timeline),
    (c.GetWebhook, get_webhook),
    (c.ListAccounts, list_accounts),
    (c.ListApps, list_apps),
    (c.ListContents, list_contents),
    (c.ListAudiences, list_audiences),
    (c.ListEventDefinitions, list_event_definitions),
    (c.ListJourneys, list_journeys),
    (c.ListMembers, list_members),
    (c.ListPresets, list_presets),
    (c.ListSegments, list_segments),
    (c.ListSessions, list_sessions),
    (c.ListSiteKeys, list_site_keys),
    (c.ListSites, list_sites),
    (c.ListWebhooks, list_webhooks),
    (c.ListWriteKeys, list_write_keys),
    (c.OpenApplication, open_application),
    (c.PostEvent, post_event),
    (c.PreviewSegment, preview_segment),
    (c.RegisterDevice, register_device),
    (c.RegisterEmail, register_email),
    (c.RegisterUser, register_user),
    (c.ReportContent, report_content),
    (c.ReportMessage, report_message),
    (c.RevokeSession, revoke_session),
    (c.RevokeSiteKey, revoke_site_key),
    (c.RevokeWriteKey, revoke_write_key),
    (c.SetAttributes, set_attributes),
    (c.SetAttributesInBulk, set_attributes_in_bulk),
    (c.SetEventRetention, set_event_retention),
    (c.StartJourney, start_journey),
    (c.TrackCalls, track_calls),
    (c.TryWebhook, try_webhook),
    (c.UnregisterDevice, unregister_device),
    (c.UpdateAccount, update_account),
    (c.UpdateContent, update_content),
    (c.UpdateJourney, update_journey),
    (c.UpdateSegment, update_segment),
    (c.UpdateSite, update_site),
    (c.UpdateWebhook, update_webhook),
    (c.ValidateJourney, validate_journey),
)

DEVICE_COMMANDS = frozenset(
    {
        c.GetAttributes,
        c.OpenApplication,
        c.PostEvent,
        c.RegisterDevice,
        c.RegisterEmail,
        c.RegisterUser,
        c.ReportMessage,
        c.SetAttributes,
        c.UnregisterDevice,
    }
)
"""What a device token allows."""

SITE_COMMANDS: frozenset[type] = frozenset(
    {c.GetShown, c.GetSiteConfig, c.GetVisitor, c.ReportContent, c.StartJourney, c.TrackCalls}
)
"""What a site key allows: what the pages of a site ask for."""

ALLOWED: Mapping[c.Rights, frozenset[type]] = {
    "device": DEVICE_COMMANDS,
    "site": SITE_COMMANDS,
    "write": frozenset({c.TrackCalls}),
    **ALLOWED_TO,
}
"""What may be asked for by rights; `api` is not here and may ask for anything."""

Bulk = c.Alias | c.PostEvent | c.RegisterDevice | c.RegisterEmail | c.SetAttributes
"""What importers bring."""

NOTICES: tuple[tuple[type, Callable[[Resources, c.Caller, Any], Awaitable[Notice]]], ...] = (
    (c.Alias, alias_notice),
    (c.PostEvent, event_notice),
    (c.RegisterDevice, device_notice),
    (c.RegisterEmail, email_notice),
    (c.SetAttributes, attributes_notice),
)


log = structlog.get_logger()


class _answering(availability):  # noqa: N801 - like the one that it is
    """Tell the operator that the database does not answer; whoever asked hears no more than that."""

    __slots__ = ()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise `Unavailable` for what it means."""
        if error is None:
            return
        try:
            super().__exit__(kind, error, trace)
        except Unavailable as failure:
            _warn(failure)
            raise
        if isinstance(error, Unavailable):
            _warn(error)


def _warn(failure: Unavailable) -> None:
    log.warning("database.unavailable", reason=str(failure.__cause__).partition("\n")[0])


class Service:
    """Carries out commands. One per process; `close` it before its pool."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], datetime],
        *,
        inbox_max: int = INBOX_MAX,
        session_options: SessionOptions | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        facts, passwords = Facts(pool), passwords or Passwords()
        self._gate = Gate(pool, clock)
        self.sessions = Sessions(pool, clock, session_options or SessionOptions(), passwords)
        self.acceptance = Acceptance(pool, clock, facts, backlog=Backlog(pool, inbox_max=inbox_max))
        self.reactions = Reactions(pool, clock)
        self.pages = Pages(pool, clock, facts)
        self.resources = Resources(
            pool=pool,
            clock=clock,
            facts=facts,
            acceptance=self.acceptance,
            reactions=self.reactions,
            passwords=passwords,
            forget_callers=self._forget_callers,
        )
        self._handlers = dict(HANDLERS)
        self._notices = dict(NOTICES)

    def has_seen(self, token: str) -> bool:
        """Tell whether a token was in force when this process looked it up last."""
        return self._gate.has_seen(token)

    async def authenticate(self, token: str, needs: TokenKind = "api") -> c.Caller:
        """Return whom a token stands for.

        Raises:
            NotAllowed: A token of another kind than is needed.
            NotAuthenticated: No such token, or it was revoked.
            Unavailable: The database does not answer.
        """
        if (caller := self._gate.remembered(token, needs=needs)) is not None:
            return caller
        with _answering():
            return await self._gate.authenticate(token, needs=needs)

    async def signed_in(self, token: str) -> c.Caller:
        """Return who has signed in, by the token of their session.

        Raises:
            NotAuthenticated: It is none, or not in force.
            Unavailable: The database does not answer.
        """
        if (caller := self.sessions.remembered(token)) is not None:
            return caller
        with _answering():
            return await self.sessions.caller(token)

    async def sign_in(self, email: str, password: str, *, address: str, agent: str) -> SignedIn:
        """Begin a session. Raises as `Sessions.sign_in`, and Unavailable: the database does not answer."""
        with _answering():
            return await self.sessions.sign_in(email, password, address=address, agent=agent)

    async def refresh(self, token: str) -> SignedIn:
        """Put a new token in place of another. Raises as `Sessions.refresh`, and Unavailable."""
        with _answering():
            return await self.sessions.refresh(token)

    async def sign_out(self, caller: c.Caller) -> None:
        """End the session in which somebody asks. Raises Unavailable: the database does not answer."""
        with _answering():
            await self.sessions.sign_out(caller)

    def _forget_callers(self) -> None:
        self._gate.forget_all()
        self.sessions.forget()

    @overload
    async def run(
        self, caller: c.Caller, command: c.ChangeStatus | c.CreateJourney | c.GetJourney | c.UpdateJourney
    ) -> c.Journey: ...
    @overload
    async def run(
        self,
        caller: c.Caller,
        command: c.Alias
        | c.ChangePassword
        | c.ChooseWinner
        | c.DeleteAccount
        | c.DeleteContent
        | c.DeleteJourney
        | c.DeletePreset
        | c.DeleteSegment
        | c.DeleteSite
        | c.DeleteWebhook
        | c.DropPeople
        | c.OpenApplication
        | c.PostEvent
        | c.RegisterDevice
        | c.RegisterEmail
        | c.RegisterUser
        | c.ReportContent
        | c.ReportMessage
        | c.RevokeSession
        | c.RevokeSiteKey
        | c.RevokeWriteKey
        | c.SetAttributes
        | c.StartJourney
        | c.TrackCalls
        | c.UnregisterDevice,
    ) -> c.Done: ...
    @overload
    async def run(self, caller: c.Caller, command: c.CreateContent | c.GetContent | c.UpdateContent) -> c.Content: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListContents) -> c.ContentList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetShown) -> c.Shown: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetVisitor) -> c.KnownVisitor: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetSiteConfig) -> c.SiteConfig: ...
    @overload
    async def run(self, caller: c.Caller, command: c.CreatePreset | c.GetPreset) -> c.Preset: ...
    @overload
    async def run(self, caller: c.Caller, command: c.DeleteDevice | c.DeletePerson) -> c.Removed: ...
    @overload
    async def run(self, caller: c.Caller, command: c.DefineEvent) -> c.EventDefinition: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetAttributes) -> c.Attributes: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetBulkRequest) -> c.BulkOutcome: ...
    @overload
    async def run(self, caller: c.Caller, command: c.SetAttributesInBulk) -> c.BulkAccepted: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListEventDefinitions) -> c.EventDefinitionList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListPresets) -> c.PresetList: ...
    @overload
    async def run(
        self, caller: c.Caller, command: c.CreateList | c.CreateSegment | c.GetSegment | c.UpdateSegment
    ) -> c.Segment: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ChangeMembers) -> c.MembersAccepted: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListMembers) -> c.MemberPage: ...
    @overload
    async def run(self, caller: c.Caller, command: c.CountSegment | c.PreviewSegment) -> c.People: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ExplainSegment) -> c.Explained: ...
    @overload
    async def run(self, caller: c.Caller, command: c.EnrollByApi) -> c.EntryAccepted: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetEntryRequest) -> c.EntryOutcome: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetStatistics) -> c.Statistics: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListJourneys) -> c.JourneyList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListSegments) -> c.SegmentList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.CreateWebhook | c.GetWebhook | c.UpdateWebhook) -> c.Webhook: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListWebhooks) -> c.WebhookList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.TryWebhook) -> Reading: ...
    @overload
    async def run(self, caller: c.Caller, command: c.CreateWriteKey) -> c.NewWriteKey: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListWriteKeys) -> c.WriteKeyList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ValidateJourney) -> c.Verdict: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ExplainPresence) -> c.Presence: ...
    @overload
    async def run(self, caller: c.Caller, command: c.FindPeople) -> c.FoundPeople: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetPerson) -> c.PersonView: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetTimeline) -> c.Timeline: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListApps) -> c.AppList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.SetEventRetention) -> c.AppView: ...

    @overload
    async def run(
        self, caller: c.Caller, command: c.CreateAccount | c.GetAccount | c.GetSelf | c.UpdateAccount
    ) -> c.Account: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListAccounts) -> c.AccountList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListSessions) -> c.SessionList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.CreateSite | c.GetSite | c.UpdateSite) -> c.Site: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListSites) -> c.SiteList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.CreateSiteKey) -> c.NewSiteKey: ...
    @overload
    async def run(self, caller: c.Caller, command: c.EditJourney) -> c.Journey: ...
    @overload
    async def run(self, caller: c.Caller, command: c.GetAudience) -> c.Segment: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListAudiences) -> c.AudienceList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.CountEnrollments) -> c.EnrollmentCounts: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListEnrollments) -> c.EnrollmentList: ...
    @overload
    async def run(self, caller: c.Caller, command: c.StopEnrollment) -> c.Done: ...
    @overload
    async def run(self, caller: c.Caller, command: c.ListSiteKeys) -> c.SiteKeyList: ...

    async def run(self, caller: c.Caller, command: Any) -> Any:
        """Carry out a command in the caller's workspace. What it replies and raises stands at the command.

        Raises:
            NotAllowed: What the caller may do does not include the command.
            Unavailable: The database does not answer.
        """
        if caller.rights in ALLOWED and type(command) not in ALLOWED[caller.rights]:
            raise NotAllowed
        with _answering():
            return await self._handlers[type(command)](self.resources, caller, command)

    async def receive(self, posted: Posted) -> int:
        """Accept what was posted to an inbound webhook. Return how many events; raises as `hooks.receive`."""
        with _answering():
            return await receive(self.resources, posted)

    async def accept_many(
        self,
        caller: c.Caller,
        commands: Sequence[Bulk],
        *,
        before_commit: Callable[[Conn], Awaitable[None]] | None = None,
    ) -> list[tuple[int, InvalidDocument]]:
        """Accept up to some ten thousand commands in one transaction. Return the refused ones: place and problems.

        `before_commit` runs in the same transaction, to write down how far an import has come.
        """
        notices: list[Notice] = []
        refused: list[tuple[int, InvalidDocument]] = []
        for place, command in enumerate(commands):
            try:
                notices.append(await self._notices[type(command)](self.resources, caller, command))
            except InvalidDocument as problem:
                refused.append((place, problem))
        await self.acceptance.accept_many(notices, before_commit=before_commit)
        return refused

    async def import_stream(
        self, caller: c.Caller, plan: ImportPlan, source: Source, *, import_id: str, rejects: RejectList
    ) -> Report:
        """Import rows as they come into the caller's workspace. See `service.importing.run.import_stream`.

        Raises:
            Unavailable: The database does not answer.
        """
        with _answering():
            return await import_stream(
                self.resources, caller.workspace_id, plan, source, import_id=import_id, rejects=rejects
            )

    async def import_members(
        self, caller: c.Caller, plan: MembersPlan, source: Source, *, rejects: RejectList
    ) -> MembersReport:
        """Change who is on a list by rows as they come. See `service.importing.members`.

        Raises:
            Unavailable: The database does not answer.
        """
        with _answering():
            return await import_members(self.resources, caller.workspace_id, plan, source, rejects=rejects)

    def export_text(self, caller: c.Caller, plan: ExportPlan, format_: TextFormat) -> AsyncGenerator[bytes]:
        """Yield what is asked for, piece by piece, out of the caller's workspace. See `service.exporting.run`."""
        return export_text(self.resources, caller.workspace_id, plan, format_)

    async def close(self) -> None:
        """End the streams of pages, and wait for what has been accepted to be durable."""
        await self.pages.close()
        await self.acceptance.close()
        await self.reactions.close()
