"""Roles: what an account may ask for. The one table of it; routes, their documentation and the service read it."""

from collections.abc import Mapping
from typing import get_args

from sojourn.service import commands as c
from sojourn.service.commands import Role

ROLES: tuple[Role, ...] = get_args(Role)
"""From the one that may do most to the one that may do least."""

LEAST: Mapping[type, Role] = {
    c.CountEnrollments: "viewer",
    c.EditJourney: "editor",
    c.ListEnrollments: "viewer",
    c.StopEnrollment: "editor",
    c.Alias: "editor",
    c.ChangeMembers: "editor",
    c.ChangePassword: "viewer",
    c.ChangeStatus: "editor",
    c.ChooseWinner: "editor",
    c.CountSegment: "viewer",
    c.CreateAccount: "owner",
    c.CreateContent: "editor",
    c.CreateJourney: "editor",
    c.CreateList: "editor",
    c.CreatePreset: "editor",
    c.CreateSegment: "editor",
    c.CreateSite: "admin",
    c.CreateSiteKey: "admin",
    c.CreateWebhook: "admin",
    c.CreateWriteKey: "admin",
    c.DefineEvent: "editor",
    c.DeleteAccount: "owner",
    c.DeleteContent: "editor",
    c.DeleteDevice: "admin",
    c.DeleteJourney: "admin",
    c.DeletePerson: "admin",
    c.DeletePreset: "editor",
    c.DeleteSegment: "admin",
    c.DeleteSite: "admin",
    c.DeleteWebhook: "admin",
    c.DropPeople: "editor",
    c.EnrollByApi: "editor",
    c.ExplainPresence: "viewer",
    c.ExplainSegment: "viewer",
    c.FindPeople: "viewer",
    c.GetAccount: "owner",
    c.GetAttributes: "viewer",
    c.GetAudience: "viewer",
    c.GetBulkRequest: "viewer",
    c.GetContent: "viewer",
    c.GetEntryRequest: "viewer",
    c.GetJourney: "viewer",
    c.GetPerson: "viewer",
    c.GetPreset: "viewer",
    c.GetSegment: "viewer",
    c.GetSelf: "viewer",
    c.GetShown: "viewer",
    c.GetSite: "viewer",
    c.GetSiteConfig: "viewer",
    c.GetVisitor: "viewer",
    c.GetStatistics: "viewer",
    c.GetTimeline: "viewer",
    c.GetWebhook: "admin",
    c.ListAccounts: "owner",
    c.ListApps: "viewer",
    c.ListContents: "viewer",
    c.ListAudiences: "viewer",
    c.ListEventDefinitions: "viewer",
    c.ListJourneys: "viewer",
    c.ListMembers: "viewer",
    c.ListPresets: "viewer",
    c.ListSegments: "viewer",
    c.ListSessions: "viewer",
    c.ListSiteKeys: "admin",
    c.ListSites: "viewer",
    c.ListWebhooks: "admin",
    c.ListWriteKeys: "admin",
    c.OpenApplication: "editor",
    c.PostEvent: "editor",
    c.PreviewSegment: "viewer",
    c.RegisterDevice: "editor",
    c.RegisterEmail: "editor",
    c.RegisterUser: "editor",
    c.ReportContent: "editor",
    c.ReportMessage: "editor",
    c.RevokeSession: "viewer",
    c.RevokeSiteKey: "admin",
    c.RevokeWriteKey: "admin",
    c.SetAttributes: "editor",
    c.SetAttributesInBulk: "editor",
    c.SetEventRetention: "admin",
    c.StartJourney: "editor",
    c.TrackCalls: "editor",
    c.TryWebhook: "admin",
    c.UnregisterDevice: "editor",
    c.UpdateAccount: "owner",
    c.UpdateContent: "editor",
    c.UpdateJourney: "editor",
    c.UpdateSegment: "editor",
    c.UpdateSite: "admin",
    c.UpdateWebhook: "admin",
    c.ValidateJourney: "viewer",
}
"""Command to the role that suffices. Roles that may do more may do it, too."""


_BY_RIGHTS: Mapping[c.Rights, Role] = {role: role for role in ROLES}


def role_of(caller: c.Caller) -> Role | None:
    """Return the role of who has signed in; None: a token or a key asks."""
    return _BY_RIGHTS.get(caller.rights)


def suffices(role: Role, least: Role) -> bool:
    """Tell whether a role may do what another one may.

    >>> suffices("admin", "editor"), suffices("viewer", "editor")
    (True, False)
    """
    return ROLES.index(role) <= ROLES.index(least)


ALLOWED_TO: Mapping[Role, frozenset[type]] = {
    role: frozenset(command for command, least in LEAST.items() if suffices(role, least)) for role in ROLES
}
"""What accounts may ask for, by role."""
