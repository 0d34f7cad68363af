"""Auth: signing in and out, and who has signed in."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar.datastructures import Cookie
from msgspec import Meta

from sojourn.api.journeys.door import COOKIE, session_token
from sojourn.api.journeys.envelope import Nothing, Wire
from sojourn.api.journeys.routing import Answer, AnyRoute, Call, Example, Route
from sojourn.service import commands as c
from sojourn.service.sessions import SignedIn

TAG = "Auth"

WireRole = Literal["OWNER", "ADMIN", "EDITOR", "VIEWER"]


class Login(Wire, frozen=True, kw_only=True):
    """Who wants to sign in."""

    email: Annotated[str, Meta(min_length=1, max_length=320)]
    password: Annotated[str, Meta(min_length=1, max_length=200)]


class NewPassword(Wire, frozen=True, kw_only=True):
    """A password in place of another."""

    password: Annotated[str, Meta(min_length=1, max_length=200)]
    new_password: Annotated[str, Meta(min_length=8, max_length=200)]


class User(Wire, frozen=True, kw_only=True):
    """Whose session it is. `id` is null where the account is kept elsewhere, and `email` is empty then."""

    id: UUID | None
    tenant_id: UUID
    email: str
    name: str
    role: WireRole


class TokenAndUser(Wire, frozen=True, kw_only=True):
    """A token, which is also the cookie `session_token`, and whose it is."""

    token: str
    user: User


class Session(Wire, frozen=True, kw_only=True):
    """A session in force. `isCurrent` is true of the one that asks."""

    id: UUID
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    is_current: bool


async def _login(call: Call[Nothing, Login]) -> Answer:
    agent = call.request.headers.get("user-agent", "")
    signed_in = await call.service.sign_in(call.body.email, call.body.password, address=call.address, agent=agent)
    return _signed_in(call, signed_in)


async def _refresh(call: Call[Nothing, Nothing]) -> Answer:
    return _signed_in(call, await call.service.refresh(session_token(call.request)))


async def _logout(call: Call[Nothing, Nothing]) -> Answer:
    await call.service.sign_out(call.caller)
    return Answer(data=None, cookies=[_cookie("", 0, is_secure=call.over_tls())])


async def _me(call: Call[Nothing, Nothing]) -> User:
    return user_of(await call.service.run(call.caller, c.GetSelf()))


async def _change_password(call: Call[Nothing, NewPassword]) -> None:
    await call.service.run(
        call.caller, c.ChangePassword(password=call.body.password, new_password=call.body.new_password)
    )


async def _sessions(call: Call[Nothing, Nothing]) -> tuple[Session, ...]:
    return tuple(map(_session, (await call.service.run(call.caller, c.ListSessions())).items))


async def _end_session(call: Call[Nothing, Nothing]) -> None:
    await call.service.run(call.caller, c.RevokeSession(session=call.uuid("id")))


def user_of(account: c.Account) -> User:
    """Return an account as who has signed in."""
    return User(
        id=account.account,
        tenant_id=account.tenant,
        email=account.email,
        name=account.name,
        role=wire_role(account.role),
    )


def wire_role(role: c.Role) -> WireRole:
    """Spell a role as the dialect does."""
    names: dict[c.Role, WireRole] = {"owner": "OWNER", "admin": "ADMIN", "editor": "EDITOR", "viewer": "VIEWER"}
    return names[role]


def _session(session: c.Session) -> Session:
    return Session(
        id=session.session,
        created_at=session.created_at,
        refreshed_at=session.refreshed_at,
        expires_at=session.expires_at,
        address=session.address,
        user_agent=session.agent,
        is_current=session.is_this,
    )


def _signed_in(call: Call[Nothing, Login] | Call[Nothing, Nothing], signed_in: SignedIn) -> Answer:
    cookie = _cookie(signed_in.token, int(signed_in.lasts.total_seconds()), is_secure=call.over_tls())
    return Answer(data=TokenAndUser(token=signed_in.token, user=user_of(signed_in.account)), cookies=[cookie])


def _cookie(value: str, max_age: int, *, is_secure: bool) -> Cookie:
    return Cookie(key=COOKIE, value=value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=is_secure)


_USER = {
    "id": "0f0e7c8e-6f5e-4a7e-9a51-6d5a4f0e2b11",
    "tenantId": "5f7f7f6e-2f1c-4c57-8f0b-7b8c6f0a9d21",
    "email": "ada@example.com",
    "name": "Ada",
    "role": "OWNER",
}
_TOKEN = {"token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwZjBlIn0.c2lnbmF0dXJl", "user": _USER}
_SESSION = {
    "id": "b7a5c1de-35c8-4f5b-b8b5-2b4b6b8f5d10",
    "createdAt": "2026-03-01T09:00:00Z",
    "refreshedAt": "2026-03-01T18:00:00Z",
    "expiresAt": "2026-03-31T09:00:00Z",
    "address": "203.0.113.7",
    "userAgent": "Mozilla/5.0",
    "isCurrent": True,
}

AUTH_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="POST",
        path="/api/auth/login",
        name="login",
        tag=TAG,
        summary="Sign in.",
        description="The token goes into `Authorization: Bearer`. It is also set as the cookie `session_token`, which"
        " is HttpOnly and SameSite=Lax. It is in force for 12 hours; refreshing gives another, for 30 days in all.",
        access="public",
        query=Nothing,
        body=Login,
        reply=TokenAndUser,
        handle=_login,
        refusals=("not_allowed", "unauthenticated"),
        examples=(
            Example(
                title="Sign in", body={"email": "ada@example.com", "password": "correct horse battery"}, data=_TOKEN
            ),
        ),
    ),
    Route(
        verb="POST",
        path="/api/auth/refresh",
        name="refresh",
        tag=TAG,
        summary="Put a new token in place of the present one.",
        description="The old one is in force for another 30 seconds, for what is under way; using it here later ends"
        " the session.",
        access="public",
        refusals=("not_allowed", "unauthenticated"),
        query=Nothing,
        body=Nothing,
        reply=TokenAndUser,
        handle=_refresh,
        examples=(Example(title="A new token", data=_TOKEN),),
    ),
    Route(
        verb="POST",
        path="/api/auth/logout",
        name="logout",
        tag=TAG,
        summary="Sign out: the session ends, and the cookie is removed.",
        query=Nothing,
        body=Nothing,
        reply=None,
        handle=_logout,
        examples=(Example(title="Signed out", data=None),),
    ),
    Route(
        verb="GET",
        path="/api/auth/me",
        name="me",
        tag=TAG,
        summary="Show who has signed in.",
        commands=(c.GetSelf,),
        query=Nothing,
        body=Nothing,
        reply=User,
        handle=_me,
        examples=(Example(title="Ada", data=_USER),),
    ),
    Route(
        verb="PUT",
        path="/api/auth/password",
        name="changePassword",
        tag=TAG,
        summary="Change one's own password. All other sessions end.",
        commands=(c.ChangePassword,),
        query=Nothing,
        body=NewPassword,
        reply=None,
        handle=_change_password,
        examples=(
            Example(
                title="Another password",
                body={"password": "correct horse battery", "newPassword": "staple correct battery"},
                data=None,
            ),
        ),
    ),
    Route(
        verb="GET",
        path="/api/auth/sessions",
        name="listSessions",
        tag=TAG,
        summary="List one's own sessions that are in force: the 100 newest.",
        commands=(c.ListSessions,),
        query=Nothing,
        body=Nothing,
        reply=tuple[Session, ...],
        handle=_sessions,
        examples=(Example(title="One session", data=[_SESSION]),),
    ),
    Route(
        verb="DELETE",
        path="/api/auth/sessions/{id}",
        name="endSession",
        tag=TAG,
        summary="End one of one's own sessions.",
        commands=(c.RevokeSession,),
        query=Nothing,
        body=Nothing,
        reply=None,
        handle=_end_session,
        examples=(Example(title="Ended", data=None),),
    ),
)
