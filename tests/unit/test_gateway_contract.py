"""The contract's files: the generated code is that of the .proto, and every method is served and documented."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor

from sojourn.api.common.envelopes import ANSWERS, HTTP_STATUS
from sojourn.api.gateway import wire
from sojourn.api.gateway.bridge import SERVICE, routes
from sojourn.api.gateway.methods import METHODS
from sojourn.api.gateway.pb.sojourn.v3 import journey_gateway_pb2 as pb
from sojourn.model.problems import SojournError
from sojourn.service import errors

ROOT = Path(__file__).parents[2]
PB = ROOT / "src/sojourn/api/gateway/pb"
PAGE = ROOT / "docs/reference/gateway.md"

pytest.importorskip("grpc_tools", reason="the generator is a development tool")


def test_generating_again_gives_the_same_files(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto", "-I", sysconfig.get_path("purelib")]
    outputs = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([*command, *outputs, "sojourn/v3/journey_gateway.proto"], cwd=ROOT, check=True)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py*")}
    kept = {path.relative_to(PB): path.read_text() for path in (PB / "sojourn").rglob("*.py*") if path.suffix != ".pyc"}
    assert made.keys() == kept.keys()
    assert made == kept


def test_every_method_is_served() -> None:
    assert METHODS.keys() == {method.name for method in SERVICE.methods}


def test_every_route_is_its_own() -> None:
    found = [(route.verb, route.path) for route in routes()]
    assert len(set(found)) == len(found)


def test_point_types_and_their_data_are_numbered_alike() -> None:
    for name, number in wire.TYPES.items():
        expected = "event" if name == "message_bus" else name
        assert pb.PointType.Name(number) == f"POINT_TYPE_{expected.upper()}"
    assert wire.TYPES.keys() == wire.POINT_CLASSES.keys()


def test_only_types_that_the_reader_knows_are_used() -> None:
    known = {
        FieldDescriptor.TYPE_BOOL,
        FieldDescriptor.TYPE_DOUBLE,
        FieldDescriptor.TYPE_ENUM,
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_MESSAGE,
        FieldDescriptor.TYPE_STRING,
    }
    for message in pb.DESCRIPTOR.message_types_by_name.values():
        assert {field.type for field in message.fields} <= known


def codes() -> set[str]:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, SojournError)]
    return {kind.code for kind in kinds}


def test_every_error_of_the_service_has_an_answer() -> None:
    assert codes() <= ANSWERS.keys()
    assert {answer.code for answer in ANSWERS.values()} <= HTTP_STATUS.keys()


def block(name: str) -> str:
    _, _, rest = PAGE.read_text().partition(f"<!-- generated: {name} -->\n")
    return rest.partition("<!-- end -->")[0].strip()


def test_the_page_has_the_routes() -> None:
    lines = ["| rpc | route |", "| --- | --- |", *(f"| `{r.method}` | `{r.verb} {r.path}` |" for r in routes())]
    assert block("routes") == "\n".join(lines)


def test_the_page_has_the_errors() -> None:
    lines = ["| problem | gRPC code | HTTP | HTTP, external methods |", "| --- | --- | --- | --- |"]
    for code, answer in sorted(ANSWERS.items()):
        status = HTTP_STATUS[answer.code]
        lines.append(f"| `{code}` | {answer.code} | {answer.status or status} | {answer.external or status} |")
    assert block("errors") == "\n".join(lines)


def test_the_page_has_the_points() -> None:
    lines = ["| `point_type` | key in `point_data` | fields |", "| --- | --- | --- |"]
    for number in sorted(wire.KINDS):
        kind = wire.KINDS[number]
        fields = pb.PointData.DESCRIPTOR.fields_by_name[kind].message_type.fields
        names = ", ".join(f"`{field.name}`" for field in fields)
        lines.append(f"| `{pb.PointType.Name(number)}` | `{kind}` | {names} |")
    assert block("points") == "\n".join(lines)
