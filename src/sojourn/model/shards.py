"""Shards: which slice of people an identity falls into. Fixed for the life of an installation."""

from hashlib import blake2b


def shard_of(workspace_id: int, kind: str, value: str, shard_count: int) -> int:
    """Return the shard of an identity, 0 to `shard_count` - 1.

    >>> shard_of(1, "user_id", "ada", 8) == shard_of(1, "user_id", "ada", 8)
    True
    """
    digest = blake2b(f"{workspace_id}\0{kind}\0{value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % shard_count
