"""Public ids: the uuids by which the journeys dialect names people and enrollments.

Inside, both are numbers of a shard. A uuid of the free form (version 8 of RFC 9562) holds shard and number, so it is
read without a look-up and found without an index. It is a name and no secret: whoever reads one still has to ask
whether the row belongs to the caller's workspace.

An enrollment keeps its first name when its person is merged, and with that gets another number, often in another shard.
"""

from uuid import UUID

_ENROLLMENT, _PROFILE = 0xE171, 0x9E50
_NUMBER_BITS, _SHARD_BITS = 62, 32
_VERSION, _VARIANT = 8 << 76, 2 << _NUMBER_BITS

Place = tuple[int, int]
"""A shard, and a number in it."""


def enrollment_uuid(shard: int, enrollment_id: int) -> UUID:
    """Name an enrollment.

    >>> str(enrollment_uuid(3, 17))
    'e1710000-0003-8000-8000-000000000011'
    """
    return _uuid(_ENROLLMENT, shard, enrollment_id)


def profile_uuid(shard: int, profile_id: int) -> UUID:
    """Name a person."""
    return _uuid(_PROFILE, shard, profile_id)


def enrollment_place(name: UUID) -> Place | None:
    """Return which enrollment a uuid names; None where it names none.

    >>> enrollment_place(enrollment_uuid(3, 17)), enrollment_place(profile_uuid(3, 17))
    ((3, 17), None)
    """
    shard, number = name.int >> 80 & (1 << _SHARD_BITS) - 1, name.int & (1 << _NUMBER_BITS) - 1
    is_one = shard < 1 << 15 and enrollment_uuid(shard, number) == name
    return (shard, number) if is_one else None


def _uuid(kind: int, shard: int, number: int) -> UUID:
    return UUID(int=kind << 112 | shard << 80 | _VERSION | _VARIANT | number)
