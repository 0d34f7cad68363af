from typing import Any


def measure(*a: Any) -> Any:
    raise NotImplementedError
