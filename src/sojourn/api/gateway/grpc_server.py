"""The gRPC transport: the same methods as the bridge, registered as the descriptors say, with reflection and health."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
import structlog
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import BODY_MAX
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.refusals import InternalError, MalformedRequest
from sojourn.api.gateway.bridge import SERVICE, idempotency_key
from sojourn.api.gateway.methods import METHODS, Call
from sojourn.api.gateway.problems import rpc_status
from sojourn.api.gateway.reading import MAX_PROBLEMS
from sojourn.api.gateway.writing import unreadable
from sojourn.model.problems import SojournError
from sojourn.service.service import Service

DETAILS_MAX = 4_500
"""Bytes of error details. They travel as metadata, which clients commonly take up to 8 KB of: a third larger than they
are, and with the message beside them."""

MESSAGE_MAX = 1_000
"""Bytes of the message of an error."""

CODES = {code.value[0]: code for code in grpc.StatusCode}

Context = grpc.aio.ServicerContext[bytes, Message]
Handler = Callable[[bytes, Context], Awaitable[Message]]

log = structlog.get_logger()


class GrpcServer:
    """The gateway service on a port of its own."""

    def __init__(self, service: Service, metrics: RequestMetrics) -> None:
        options = [("grpc.max_receive_message_length", BODY_MAX), ("grpc.max_send_message_length", -1)]
        self._server = grpc.aio.server(options=options)
        # The stubs know neither the aio servicer nor the types of the generated registration.
        self._health = cast("Any", health).aio.HealthServicer()
        handlers = {method.name: _rpc(method, service, metrics) for method in SERVICE.methods}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE.full_name, handlers),))
        cast("Any", health_pb2_grpc).add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)

    async def start(self, address: str) -> int:
        """Listen at `host:port`. Return the port, which the system chooses where it is 0."""
        port = self._server.add_insecure_port(address)
        await self._server.start()
        for name in ("", SERVICE.full_name):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return port

    async def stop(self, grace: float) -> None:
        """Take no more calls; give those under way `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)


def _rpc(
    method: MethodDescriptor, service: Service, metrics: RequestMetrics
) -> "grpc.RpcMethodHandler[bytes, Message]":
    request_type = message_factory.GetMessageClass(method.input_type)

    async def handle(data: bytes, context: Context) -> Message:
        with metrics.measure("gateway", method.name) as measured:
            try:
                return await METHODS[method.name](await _call(service, request_type, data, context))
            except SojournError as error:
                measured.outcome = error.code
                refused = error
            except Exception:
                measured.outcome = InternalError.code
                log.exception("request.failed", dialect="gateway", method=method.name)
                refused = InternalError()
        await _abort(context, refused)
        raise AssertionError("an aborted call does not go on")

    return grpc.unary_unary_rpc_method_handler(handle, response_serializer=_serialize)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


async def _call(service: Service, request_type: type[Message], data: bytes, context: Context) -> Call:
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    caller = await service.authenticate(token_of(metadata.get("authorization", ""), "Api"), "api")
    request = request_type()
    try:
        request.ParseFromString(data)
    except DecodeError as error:
        raise MalformedRequest("malformed message") from error
    problems = [problem for problem, _ in zip(unreadable(request), range(MAX_PROBLEMS), strict=False)]
    return Call(service, caller, request, problems, idempotency_key(metadata.get("idempotency-key", "")))


async def _abort(context: Context, error: SojournError) -> None:
    status = fitting(rpc_status(error))
    details = (("grpc-status-details-bin", status.SerializeToString()),) if status.details else ()
    await context.abort(CODES[status.code], status.message, details)


def fitting(status: Status) -> Status:
    """Return the status with as much of its words and violations as fits into metadata, saying what was left out."""
    status.message = _shortened(status.message)
    if status.ByteSize() <= DETAILS_MAX:
        return status
    detail, words = BadRequest(), status.message
    status.details[0].Unpack(detail)
    of = len(detail.field_violations)
    while status.ByteSize() > DETAILS_MAX and detail.field_violations:
        del detail.field_violations[len(detail.field_violations) * 3 // 4 :]
        status.details[0].Pack(detail)
        status.message = f"{words} [the details hold {len(detail.field_violations)} of {of} violations]"
    return status


def _shortened(words: str) -> str:
    """Return the words within `MESSAGE_MAX` bytes."""
    encoded = words.encode()
    if len(encoded) <= MESSAGE_MAX:
        return words
    return f"{encoded[:MESSAGE_MAX].decode(errors='ignore')}… [{len(encoded) - MESSAGE_MAX} bytes more]"
