"""Shards: which slice of people an identity falls into. Fixed for the life of an installation."""

from functools import lru_cache
from hashlib import blake2b


def shard_of(workspace_id: int, kind: str, value: str, shard_count: int) -> int:
    """Return the shard of an identity, 0 to `shard_count` - 1.

    >>> shard_of(1, "user_id", "ada", 8) == shard_of(1, "user_id", "ada", 8)
    True
    """
    hashing = _begun(workspace_id, kind).copy()
    hashing.update(value.encode())
    return int.from_bytes(hashing.digest()) % shard_count


@lru_cache(maxsize=1024)
def _begun(workspace_id: int, kind: str) -> blake2b:
    """Return a hash of what the identities of a kind have in common. To copy one is half as dear as to make one."""
    return blake2b(f"{workspace_id}\0{kind}\0".encode(), digest_size=8)
