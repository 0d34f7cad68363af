"""Sites: the applications of the other dialect, with the keys that their pages carry."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sojourn.api.journeys.envelope import Nothing, Page, Paging, Wire
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.service import commands as c
from sojourn.service.errors import SiteNotFound

TAG = "Sites"

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Origins = Annotated[
    tuple[str, ...], Meta(max_length=100, description="Of which pages may use the keys; none: of any origin.")
]
Locale = Annotated[str, Meta(min_length=2, max_length=35)]


class NewSite(Wire, frozen=True, kw_only=True):
    """A site."""

    name: Name
    allowed_origins: Origins = ()
    default_locale: Locale = "en"
    settings: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class SiteChange(Wire, frozen=True, kw_only=True):
    """What changes of a site."""

    name: Name | UnsetType = UNSET
    allowed_origins: Origins | UnsetType = UNSET
    default_locale: Locale | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET


class Site(Wire, frozen=True, kw_only=True):
    """A site. `applicationCode` is its name in the gateway API."""

    id: UUID
    name: str
    application_code: str
    allowed_origins: tuple[str, ...]
    default_locale: str
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class NewKey(Wire, frozen=True, kw_only=True):
    """A key that is to be made."""

    name: Annotated[str, Meta(max_length=255)] = ""


class Key(Wire, frozen=True, kw_only=True):
    """A key. `prefix` is how it begins."""

    id: UUID
    name: str
    prefix: str
    created_at: datetime


class MadeKey(Wire, frozen=True, kw_only=True):
    """A key that was made just now. `key` is shown this once."""

    id: UUID
    name: str
    prefix: str
    created_at: datetime
    key: str


async def _listed(call: Call[Paging, Nothing]) -> Page[Site]:
    query = call.query
    reply = await call.service.run(call.caller, c.ListSites(limit=query.limit, offset=query.offset))
    return Page(tuple(map(_site, reply.items)), reply.total, query)


async def _create(call: Call[Nothing, NewSite]) -> Site:
    body = call.body
    command = c.CreateSite(
        name=body.name,
        allowed_origins=body.allowed_origins,
        default_locale=body.default_locale,
        settings=body.settings,
    )
    return _site(await call.service.run(call.caller, command))


async def _show(call: Call[Nothing, Nothing]) -> Site:
    return _site(await call.service.run(call.caller, c.GetSite(site=_id(call))))


async def _change(call: Call[Nothing, SiteChange]) -> Site:
    body = call.body
    command = c.UpdateSite(
        site=_id(call),
        name=body.name,
        allowed_origins=body.allowed_origins,
        default_locale=body.default_locale,
        settings=body.settings,
    )
    return _site(await call.service.run(call.caller, command))


async def _delete(call: Call[Nothing, Nothing]) -> None:
    await call.service.run(call.caller, c.DeleteSite(site=_id(call)))


async def _keys(call: Call[Paging, Nothing]) -> Page[Key]:
    query = call.query
    site = call.uuid("id", SiteNotFound)
    reply = await call.service.run(call.caller, c.ListSiteKeys(site=site, limit=query.limit, offset=query.offset))
    items = tuple(
        Key(id=each.key, name=each.name, prefix=each.hint, created_at=each.created_at) for each in reply.items
    )
    return Page(items, reply.total, query)


async def _create_key(call: Call[Nothing, NewKey]) -> MadeKey:
    site = call.uuid("id", SiteNotFound)
    made = await call.service.run(call.caller, c.CreateSiteKey(site=site, name=call.body.name))
    return MadeKey(id=made.key, name=made.name, prefix=made.hint, created_at=made.created_at, key=made.plaintext)


async def _delete_key(call: Call[Nothing, Nothing]) -> None:
    await call.service.run(call.caller, c.RevokeSiteKey(site=_id(call), key=call.uuid("keyId")))


def _id(call: Call[Nothing, Any]) -> UUID:
    return call.uuid("id", SiteNotFound)


def _site(site: c.Site) -> Site:
    return Site(
        id=site.site,
        name=site.name,
        application_code=site.application_code,
        allowed_origins=site.allowed_origins,
        default_locale=site.default_locale,
        settings=dict(site.settings),
        created_at=site.created_at,
        updated_at=site.updated_at,
    )


_SITE: dict[str, Any] = {
    "id": "3c1f2f5e-8d0b-4e9c-9b55-0d9f4d1f8a10",
    "name": "Shop",
    "applicationCode": "A1B2C-D3E4F",
    "allowedOrigins": ["https://shop.example.com"],
    "defaultLocale": "en",
    "settings": {},
    "createdAt": "2026-03-01T09:00:00Z",
    "updatedAt": "2026-03-01T09:00:00Z",
}
_KEY = {
    "id": "e4d1c8a2-7b6f-4c5d-8e9f-1a2b3c4d5e6f",
    "name": "production",
    "prefix": "sjk_4fGh7K",
    "createdAt": "2026-03-01T09:00:00Z",
}

SITE_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/sites",
        name="listSites",
        tag=TAG,
        summary="List sites, newest first. They are the applications of the gateway API.",
        commands=(c.ListSites,),
        query=Paging,
        body=Nothing,
        reply=Site,
        is_list=True,
        handle=_listed,
        examples=(Example(title="One site", data=[_SITE]),),
    ),
    Route(
        verb="POST",
        path="/api/sites",
        name="createSite",
        tag=TAG,
        summary="Make a site.",
        commands=(c.CreateSite,),
        query=Nothing,
        body=NewSite,
        reply=Site,
        status=201,
        handle=_create,
        examples=(
            Example(title="A shop", body={"name": "Shop", "allowedOrigins": ["https://shop.example.com"]}, data=_SITE),
        ),
    ),
    Route(
        verb="GET",
        path="/api/sites/{id}",
        name="getSite",
        tag=TAG,
        summary="Show a site.",
        commands=(c.GetSite,),
        query=Nothing,
        body=Nothing,
        reply=Site,
        handle=_show,
        examples=(Example(title="A shop", data=_SITE),),
    ),
    Route(
        verb="PATCH",
        path="/api/sites/{id}",
        name="updateSite",
        tag=TAG,
        summary="Change a site: only what is given.",
        commands=(c.UpdateSite,),
        query=Nothing,
        body=SiteChange,
        reply=Site,
        handle=_change,
        examples=(Example(title="Rename", body={"name": "Store"}, data=_SITE | {"name": "Store"}),),
    ),
    Route(
        verb="DELETE",
        path="/api/sites/{id}",
        name="deleteSite",
        tag=TAG,
        summary="Delete a site and its keys. What people did there stays.",
        description="Refused while journeys of the site are neither finished nor archived, and for the last site.",
        commands=(c.DeleteSite,),
        query=Nothing,
        body=Nothing,
        reply=None,
        handle=_delete,
        refusals=("in_use",),
        examples=(Example(title="Deleted", data=None),),
    ),
    Route(
        verb="GET",
        path="/api/sites/{id}/keys",
        name="listSiteKeys",
        tag=TAG,
        summary="List the keys of a site that are in force, newest first.",
        commands=(c.ListSiteKeys,),
        query=Paging,
        body=Nothing,
        reply=Key,
        is_list=True,
        handle=_keys,
        examples=(Example(title="One key", data=[_KEY]),),
    ),
    Route(
        verb="POST",
        path="/api/sites/{id}/keys",
        name="createSiteKey",
        tag=TAG,
        summary="Make an API key for the pages of a site. It is shown this once.",
        commands=(c.CreateSiteKey,),
        query=Nothing,
        body=NewKey,
        reply=MadeKey,
        status=201,
        handle=_create_key,
        refusals=("in_use",),
        examples=(
            Example(
                title="A key",
                body={"name": "production"},
                data=_KEY | {"key": "sjk_4fGh7KpQ2rStUvWxYz0123456789AbCdEfGhIjKlMnO"},
            ),
        ),
    ),
    Route(
        verb="DELETE",
        path="/api/sites/{id}/keys/{keyId}",
        name="deleteSiteKey",
        tag=TAG,
        summary="Revoke a key.",
        commands=(c.RevokeSiteKey,),
        query=Nothing,
        body=Nothing,
        reply=None,
        handle=_delete_key,
        examples=(Example(title="Revoked", data=None),),
    ),
)
