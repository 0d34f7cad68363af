"""Accounts: who may sign in, for owners."""

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from sojourn.api.journeys.auth import WireRole, wire_role
from sojourn.api.journeys.envelope import Nothing, Page, Paging, Wire
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.service import commands as c

TAG = "Accounts"

Name = Annotated[str, Meta(max_length=200)]
Password = Annotated[str, Meta(min_length=8, max_length=200)]


class NewAccount(Wire, frozen=True, kw_only=True):
    """Somebody who is to sign in."""

    email: Annotated[str, Meta(min_length=3, max_length=320)]
    password: Password
    role: WireRole
    name: Name = ""


class AccountChange(Wire, frozen=True, kw_only=True):
    """What changes of an account. Who is disabled, or gets another password, is signed out everywhere."""

    name: Name | UnsetType = UNSET
    role: WireRole | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET


class Account(Wire, frozen=True, kw_only=True):
    """Who may sign in, unless disabled."""

    id: UUID
    email: str
    name: str
    role: WireRole
    disabled: bool
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None


async def _listed(call: Call[Paging, Nothing]) -> Page[Account]:
    query = call.query
    reply = await call.service.run(call.caller, c.ListAccounts(limit=query.limit, offset=query.offset))
    return Page(tuple(map(_account, reply.items)), reply.total, query)


async def _create(call: Call[Nothing, NewAccount]) -> Account:
    body = call.body
    command = c.CreateAccount(email=body.email, password=body.password, role=_role(body.role), name=body.name)
    return _account(await call.service.run(call.caller, command))


async def _show(call: Call[Nothing, Nothing]) -> Account:
    return _account(await call.service.run(call.caller, c.GetAccount(account=call.uuid("id"))))


async def _change(call: Call[Nothing, AccountChange]) -> Account:
    body = call.body
    command = c.UpdateAccount(
        account=call.uuid("id"),
        name=body.name,
        role=UNSET if body.role is UNSET else _role(body.role),
        is_disabled=body.disabled,
        password=body.password,
    )
    return _account(await call.service.run(call.caller, command))


async def _delete(call: Call[Nothing, Nothing]) -> None:
    await call.service.run(call.caller, c.DeleteAccount(account=call.uuid("id")))


def _account(account: c.Account) -> Account:
    assert account.account is not None, "an account of ours has an id"
    assert account.created_at is not None, "and was made at some time"
    return Account(
        id=account.account,
        email=account.email,
        name=account.name,
        role=wire_role(account.role),
        disabled=account.is_disabled,
        created_at=account.created_at,
        updated_at=account.updated_at or account.created_at,
        last_login_at=account.signed_in_at,
    )


def _role(role: WireRole) -> c.Role:
    return cast("c.Role", role.lower())  # the names are the same but for their case


_ACCOUNT = {
    "id": "0f0e7c8e-6f5e-4a7e-9a51-6d5a4f0e2b11",
    "email": "grace@example.com",
    "name": "Grace",
    "role": "EDITOR",
    "disabled": False,
    "createdAt": "2026-03-01T09:00:00Z",
    "updatedAt": "2026-03-01T09:00:00Z",
    "lastLoginAt": None,
}

ACCOUNT_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/accounts",
        name="listAccounts",
        tag=TAG,
        summary="List accounts, newest first.",
        commands=(c.ListAccounts,),
        query=Paging,
        body=Nothing,
        reply=Account,
        is_list=True,
        handle=_listed,
        examples=(Example(title="One account", data=[_ACCOUNT]),),
    ),
    Route(
        verb="POST",
        path="/api/accounts",
        name="createAccount",
        tag=TAG,
        summary="Make an account. An email address names one account of the installation.",
        commands=(c.CreateAccount,),
        query=Nothing,
        body=NewAccount,
        reply=Account,
        status=201,
        handle=_create,
        refusals=("exists",),
        examples=(
            Example(
                title="An editor",
                body={
                    "email": "grace@example.com",
                    "password": "a long sentence is good",
                    "role": "EDITOR",
                    "name": "Grace",
                },
                data=_ACCOUNT,
            ),
        ),
    ),
    Route(
        verb="GET",
        path="/api/accounts/{id}",
        name="getAccount",
        tag=TAG,
        summary="Show an account.",
        commands=(c.GetAccount,),
        query=Nothing,
        body=Nothing,
        reply=Account,
        handle=_show,
        examples=(Example(title="An editor", data=_ACCOUNT),),
    ),
    Route(
        verb="PATCH",
        path="/api/accounts/{id}",
        name="updateAccount",
        tag=TAG,
        summary="Change an account. A workspace keeps at least one owner who may sign in.",
        commands=(c.UpdateAccount,),
        query=Nothing,
        body=AccountChange,
        reply=Account,
        handle=_change,
        refusals=("in_use",),
        examples=(Example(title="Disable", body={"disabled": True}, data=_ACCOUNT | {"disabled": True}),),
    ),
    Route(
        verb="DELETE",
        path="/api/accounts/{id}",
        name="deleteAccount",
        tag=TAG,
        summary="Delete an account and end its sessions.",
        commands=(c.DeleteAccount,),
        query=Nothing,
        body=Nothing,
        reply=None,
        handle=_delete,
        refusals=("in_use",),
        examples=(Example(title="Deleted", data=None),),
    ),
)
