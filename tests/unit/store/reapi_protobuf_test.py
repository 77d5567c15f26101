#!/usr/bin/env python3
"""Computes the stage keys of many random actions with Google's protobuf library for Python, from messages that are
described here and share nothing with the product's. Usage: reapi_protobuf_test.py PATH_OF_store_action_dump"""

import hashlib
import json
import random
import subprocess
import sys
import unittest

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DUMP = sys.argv.pop(1)
PACKAGE = "reference"
TYPES = descriptor_pb2.FieldDescriptorProto
KINDS = {"string": TYPES.TYPE_STRING, "int64": TYPES.TYPE_INT64, "bool": TYPES.TYPE_BOOL, "bytes": TYPES.TYPE_BYTES}

# Of the Remote Execution API v2, what a stage needs: field, number, type; * for repeated.
MESSAGES = {
    "Digest": [("hash", 1, "string"), ("size_bytes", 2, "int64")],
    "FileNode": [("name", 1, "string"), ("digest", 2, "Digest"), ("is_executable", 4, "bool")],
    "DirectoryNode": [("name", 1, "string"), ("digest", 2, "Digest")],
    "Directory": [("files", 1, "*FileNode"), ("directories", 2, "*DirectoryNode")],
    "Property": [("name", 1, "string"), ("value", 2, "string")],
    "Platform": [("properties", 1, "*Property")],
    "Command": [("arguments", 1, "*string"), ("environment_variables", 2, "*Property"), ("platform", 5, "Platform"),
                ("working_directory", 6, "string"), ("output_paths", 7, "*string")],
    "Action": [("command_digest", 1, "Digest"), ("input_root_digest", 2, "Digest"), ("do_not_cache", 7, "bool"),
               ("salt", 9, "bytes"), ("platform", 10, "Platform")],
}


def make_classes():
    file = descriptor_pb2.FileDescriptorProto(name="reference.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            repeated, kind = kind.startswith("*"), kind.lstrip("*")
            added = message.field.add(name=field, number=number,
                                      label=TYPES.LABEL_REPEATED if repeated else TYPES.LABEL_OPTIONAL)
            if kind in KINDS:
                added.type = KINDS[kind]
            else:
                added.type, added.type_name = TYPES.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}


M = make_classes()


def digest(message):
    content = message.SerializeToString(deterministic=True)
    return M["Digest"](hash=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def properties(values):
    ordered = sorted(values.items(), key=lambda item: item[0].encode())
    return [M["Property"](name=name, value=value) for name, value in ordered]


def directory(inputs, extra):
    """The directory with `inputs` (path components, input) in it, and the directory `extra` (components or None)."""
    message, children = M["Directory"](), {}
    for components, node in inputs:
        children.setdefault(components[0], []).append((components[1:], node))
    inner = {}
    if extra:
        children.setdefault(extra[0], [])
        inner[extra[0]] = extra[1:]
    for name in sorted(children, key=str.encode):
        below = children[name]
        leaf = next((node for components, node in below if not components), None)
        if leaf is None:
            message.directories.add(name=name, digest=digest(directory(below, inner.get(name))))
            continue
        reference = M["Digest"](hash=leaf["hash"], size_bytes=leaf["size"])
        if leaf["tree"]:
            message.directories.add(name=name, digest=reference)
        else:
            message.files.add(name=name, digest=reference, is_executable=leaf["executable"])
    return message


def reference(spec):
    platform = M["Platform"](properties=properties(spec["platform"])) if spec["platform"] else None
    command = M["Command"](arguments=spec["arguments"], environment_variables=properties(spec["environment"]),
                           platform=platform, working_directory=spec["working_directory"],
                           output_paths=sorted(spec["output_paths"], key=str.encode))
    inputs = [(node["at"].split("/"), node) for node in spec["inputs"]]
    root = directory(inputs, spec["working_directory"].split("/") if spec["working_directory"] else None)
    action = M["Action"](command_digest=digest(command), input_root_digest=digest(root),
                         do_not_cache=spec["do_not_cache"], salt=spec["salt"].encode(), platform=platform)
    return " ".join(digest(message).hash for message in (action, command, root))


WORDS = ["a", "b", "A", "a-b", "a.b", "src", "out", "\u00e4", "\U0001f600", "zz", "_", "0", "x" * 200]


def random_spec(rng):
    def text():
        return rng.choice(["", *WORDS]) + rng.choice(["", "=", " ", "\n", '"'])

    def paths(count, depth):
        """None inside another."""
        found = {}
        for _ in range(count):
            path = "/".join(rng.choice(WORDS) for _ in range(rng.randint(1, depth)))
            if not any(path == one or path.startswith(one + "/") or one.startswith(path + "/") for one in found):
                found[path] = None
        return list(found)

    inputs = [{"at": at, "hash": hashlib.sha256(at.encode()).hexdigest(), "size": rng.choice([0, 1, 127, 128, 1 << 40]),
               "tree": rng.random() < 0.5, "executable": rng.random() < 0.5} for at in paths(rng.randint(0, 8), 4)]
    return {"arguments": [text() for _ in range(rng.randint(1, 5))],
            "environment": {name: text() for name in rng.sample(WORDS, rng.randint(0, 6))},
            "output_paths": paths(rng.randint(0, 5), 3), "working_directory": rng.choice(["", "w", "w/deep/er"]),
            "platform": {name: text() for name in rng.sample(WORDS, rng.randint(0, 4))}, "inputs": inputs,
            "salt": text(), "do_not_cache": rng.random() < 0.5}


class ReapiProtobuf(unittest.TestCase):
    def test_many_random_actions(self):
        rng = random.Random(20261124)
        specs = [random_spec(rng) for _ in range(500)]
        done = subprocess.run([DUMP, "actions"], input=json.dumps(specs), check=True, capture_output=True, text=True)
        told = done.stdout.splitlines()
        self.assertEqual(len(told), len(specs))
        for spec, line in zip(specs, told):
            self.assertEqual(line, reference(spec), spec)


if __name__ == "__main__":
    unittest.main()
