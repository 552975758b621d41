#!/usr/bin/env python3
"""Writes tests/cri_api/data/upstream.txt anew: every message of the upstream CRI definitions, encoded by protobuf's own library.

    tests/cri_api/record.py V1_PROTO V1ALPHA2_PROTO     (pkg/apis/runtime/{v1,v1alpha2}/api.proto of kubernetes/cri-api)

Nothing that is built or tested runs this. It is for the day a message is added, and needs the Python package
grpcio-tools, which brings a compiler along. Each field's value says which field it is, so that a reader with a wrong number or
type is seen: a string is its own name, a number the sum of its name's bytes, a bool is true, a list has one element, a
map has the field's name as key and value. Messages that contain themselves are filled one level deep.
"""

import importlib
import re
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc

WANTED = re.compile(r"pub struct (\w+)")


def number(name: str) -> int:
    return sum(name.encode())


def value(field, depth):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return filled(field.message_type, depth + 1)
    if field.type == FieldDescriptor.TYPE_STRING:
        return field.name
    if field.type == FieldDescriptor.TYPE_BYTES:
        return field.name.encode()
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    return number(field.name)


def filled(descriptor, depth=0):
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_STRING:
                getattr(message, field.name)[field.name] = field.name
        elif depth > 6:
            continue
        elif field.is_repeated:
            getattr(message, field.name).extend([value(field, depth)])
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            getattr(message, field.name).CopyFrom(value(field, depth))
        else:
            setattr(message, field.name, value(field, depth))
    return message


def main() -> None:
    here = Path(__file__).parent
    wanted = {name for source in (here / "src").glob("*.rs") for name in WANTED.findall(source.read_text())}
    lines = []
    with tempfile.TemporaryDirectory() as directory:
        sys.path.insert(0, directory)
        for version, proto in zip(("v1", "v1alpha2"), sys.argv[1:3], strict=True):
            text = Path(proto).read_text()
            # Options of a code generator for Go; they encode nothing.
            text = re.sub(r"(?m)^(import .*gogo.*|option \(gogoproto.*)$", "", text)
            text = re.sub(r"\[\(gogoproto[^\]]*\]", "", text)
            Path(directory, version + ".proto").write_text(text)
            if protoc.main(["", "-I" + directory, "--python_out=" + directory, version + ".proto"]):
                sys.exit("the definitions do not compile")
            messages = importlib.import_module(version + "_pb2").DESCRIPTOR.message_types_by_name
            # DNSConfig is DnsConfig in Rust.
            known = {name.lower(): message for name, message in messages.items()}
            for name in sorted(name for name in wanted if name.lower() in known):
                encoded = filled(known[name.lower()]).SerializeToString(deterministic=True).hex()
                lines.append("runtime.%s.%s %s\n" % (version, name, encoded))
    (here / "data/upstream.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
