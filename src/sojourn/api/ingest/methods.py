"""Methods of data-in: the shape of each one's request, how it is read, and which kind of token it needs."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from sojourn.api.ingest import definitions, devices, emails, people
from sojourn.api.ingest.reading import Decoded

TokenKind = Literal["api", "device"]

OF_DEVICES = frozenset({
    "android_package", "app_version", "auth_token", "device_id", "device_model", "device_name", "device_type",
    "fcm_push_set", "fcm_token", "hwid", "idfa", "ios_bundle_id", "jailbroken", "language", "metaData",
    "notificationTypes", "os_version", "platform", "public_key", "push_token", "screen_height", "screen_width",
    "sdk_version", "sounds", "timestampCurrent", "timezone", "tz_offset", "userId", "v",
})  # fmt: skip
"""What clients on devices send along, whatever they ask for. A method that has no field of the name passes it over."""

OF_PRESETS = frozenset({"applicationGroupCode", "campaignCode", "scheduling", "segmentation"})
"""What presets have elsewhere, and journeys have in their points."""


class Method(Struct, frozen=True):
    """A method.

    Attributes:
        read: Takes a request of the shape.
        passes_over: Fields that may be there and are not kept.
    """

    shape: type[Struct]
    read: Callable[[Any], Decoded]
    needs: TokenKind = "device"
    passes_over: frozenset[str] = OF_DEVICES


def _server(shape: type[Struct], read: Callable[[Any], Decoded], passes_over: frozenset[str] = frozenset()) -> Method:
    return Method(shape, read, "api", passes_over | {"v"})


METHODS: Mapping[str, Method] = {
    "applicationOpen": Method(devices.ApplicationOpenRequest, devices.application_open),
    "createEvent": _server(definitions.CreateEventRequest, definitions.create_event),
    "createFilter": _server(definitions.CreateFilterRequest, definitions.create_filter),
    "createPreset": _server(definitions.CreatePresetRequest, definitions.create_preset, OF_PRESETS),
    "deleteDevice": _server(devices.DeviceRequest, devices.delete_device, OF_DEVICES),
    "deleteEmail": _server(emails.DeleteEmailRequest, emails.delete_email, OF_DEVICES),
    "deleteFilter": _server(definitions.DeleteFilterRequest, definitions.delete_filter),
    "deletePreset": _server(definitions.PresetRequest, definitions.delete_preset),
    "deleteUser": _server(people.DeleteUserRequest, people.delete_user, OF_DEVICES),
    "getPreset": _server(definitions.PresetRequest, definitions.get_preset),
    "getTags": Method(people.GetTagsRequest, people.get_tags),
    "listFilters": _server(definitions.ListFiltersRequest, definitions.list_filters),
    "listPresets": _server(definitions.ListPresetsRequest, definitions.list_presets),
    "messageDeliveryEvent": Method(devices.MessageRequest, devices.message_delivery_event),
    "postEvent": Method(people.PostEventRequest, people.post_event),
    "pushStat": Method(devices.MessageRequest, devices.push_stat),
    "registerDevice": Method(devices.RegisterDeviceRequest, devices.register_device),
    "registerEmail": Method(emails.RegisterEmailRequest, emails.register_email),
    "registerEmailUser": Method(emails.RegisterEmailUserRequest, emails.register_email_user),
    "registerUser": Method(people.RegisterUserRequest, people.register_user),
    "setEmailTags": Method(emails.SetEmailTagsRequest, emails.set_email_tags),
    "setTags": Method(people.SetTagsRequest, people.set_tags),
    "unregisterDevice": Method(devices.DeviceRequest, devices.unregister_device),
}
