"""One client per transport, all with the same face, so that one list of scenarios runs through each."""

import re
from types import TracebackType
from typing import Any, Protocol, Self

import grpc
import httpx
from google.protobuf import message_factory
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from sojourn.api.common.envelopes import HTTP_STATUS
from sojourn.api.gateway.bridge import SERVICE, routes
from sojourn.api.gateway.reading import fill
from sojourn.api.gateway.writing import to_json

ROUTES = {route.method: route for route in routes()}


class Refused(Exception):
    """A call that failed.

    Attributes:
        code: The gRPC code; None where the transport does not tell.
        status: The HTTP status, the one of the code for gRPC.
        violations: Field to description.
    """

    def __init__(self, message: str, status: int, code: int | None, violations: dict[str, str]) -> None:
        super().__init__(message)
        self.message, self.status, self.code, self.violations = message, status, code, violations


class Client(Protocol):
    """A caller of the gateway's methods."""

    async def call(self, method: str, request: dict[str, Any] | None = None, *, token: str = "", key: str = "") -> Any:
        """Call a method with a JSON request; return its JSON answer."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class RestClient:
    """Calls over the REST bridge."""

    def __init__(self, app: Any, token: str) -> None:
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site")
        self._token = token

    async def call(self, method: str, request: dict[str, Any] | None = None, *, token: str = "", key: str = "") -> Any:
        route, fields = ROUTES[method], dict(request or {})
        path = re.sub(r"\{(\w+)\}", lambda match: str(fields.pop(match[1])), route.path)
        sent: dict[str, Any] = {"json": fields} if route.has_body else {"params": fields}
        headers = {"Authorization": f"Api {token or self._token}"} | ({"Idempotency-Key": key} if key else {})
        response = await self._http.request(route.verb, path, headers=headers, **sent)
        answer = response.json()
        if response.status_code == 200:
            return answer
        if route.is_external:
            assert answer.keys() == {"success", "message"}
            assert answer["success"] is False
            raise Refused(answer["message"], response.status_code, None, {})
        assert answer.keys() == {"code", "message", "details"}
        found = [each for detail in answer["details"] for each in detail["field_violations"]]
        violations = {each["field"]: each["description"] for each in found}
        raise Refused(answer["message"], response.status_code, answer["code"], violations)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()


class GrpcClient:
    """Calls over gRPC."""

    def __init__(self, port: int, token: str) -> None:
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._token = token

    async def call(self, method: str, request: dict[str, Any] | None = None, *, token: str = "", key: str = "") -> Any:
        described = SERVICE.methods_by_name[method]
        message = message_factory.GetMessageClass(described.input_type)()
        assert fill(message, request or {}) == []
        rpc = self._channel.unary_unary(
            f"/{SERVICE.full_name}/{method}",
            request_serializer=lambda sent: sent.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(described.output_type).FromString,
        )
        metadata = [("authorization", f"Api {token or self._token}")] + ([("idempotency-key", key)] if key else [])
        try:
            return to_json(await rpc(message, metadata=metadata))
        except grpc.aio.AioRpcError as error:
            raise refused(error) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()


def refused(error: grpc.aio.AioRpcError) -> Refused:
    code = error.code().value[0]
    violations: dict[str, str] = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = Status.FromString(value)
            assert (status.code, status.message) == (code, error.details())
            for detail in status.details:
                bad = BadRequest()
                assert detail.Unpack(bad)
                violations |= {each.field: each.description for each in bad.field_violations}
    return Refused(error.details() or "", HTTP_STATUS[code], code, violations)
