#!/usr/bin/env python3
"""Computes stage keys and tree digests a second time, with an encoder that shares nothing with the
product: the protobuf wire format by hand, and the Remote Execution API's canonical form by its
words. Usage: reapi_encoding_test.py PATH_OF_store_action_dump"""

import hashlib
import os
import subprocess
import sys
import tempfile
import unittest

DUMP = sys.argv.pop(1)


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def scalar(field, number):
    """A varint field; proto3 leaves out zeros."""
    return varint(field << 3) + varint(number) if number else b""


def chunk(field, data):
    """A length-delimited field that is there even when it is empty (messages, repeated fields)."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def text(field, string):
    """A string or bytes field; proto3 leaves out empty ones."""
    data = string if isinstance(string, bytes) else string.encode()
    return chunk(field, data) if data else b""


def ref(content):
    return hashlib.sha256(content).hexdigest(), len(content)


def digest(reference):
    return text(1, reference[0]) + scalar(2, reference[1])


def pairs(field, items):
    return b"".join(chunk(field, text(1, k) + text(2, v)) for k, v in sorted(items.items()))


def directory(files=(), directories=(), symlinks=()):
    """files: (name, reference, executable); directories: (name, reference); symlinks: (name, target)"""
    by_name = lambda entry: entry[0].encode()
    out = b""
    for name, reference, executable in sorted(files, key=by_name):
        out += chunk(1, text(1, name) + chunk(2, digest(reference)) + scalar(4, int(executable)))
    for name, reference in sorted(directories, key=by_name):
        out += chunk(2, text(1, name) + chunk(2, digest(reference)))
    for name, target in sorted(symlinks, key=by_name):
        out += chunk(3, text(1, name) + text(2, target))
    return out


def walk(path):
    files, directories, symlinks = [], [], []
    for entry in os.scandir(path):
        if entry.is_symlink():
            symlinks.append((entry.name, os.readlink(entry.path)))
        elif entry.is_dir():
            directories.append((entry.name, ref(walk(entry.path))))
        else:
            with open(entry.path, "rb") as file:
                content = file.read()
            executable = bool(entry.stat(follow_symlinks=False).st_mode & 0o100)
            files.append((entry.name, ref(content), executable))
    return directory(files, directories, symlinks)


def sample_action():
    """tests/unit/store/action_sample.h, once more."""
    empty = directory()
    build = directory(directories=[("dir", ref(empty))])
    tools_bin = directory(files=[("gen", ref(b"gen"), True)])
    tools = directory(files=[("data", ref(b"data"), False)], directories=[("bin", ref(tools_bin))])
    root = directory(directories=[
        ("src", ref(empty)), ("tools", ref(tools)), ("build", ref(build))])
    platform = pairs(1, {"network": "none", "container-image": "sha256:abc"})
    command = b"".join(chunk(1, a) for a in [b"/bin/sh", b"-eu", b"-c", b"make -j2"])
    command += pairs(2, {"PATH": "/usr/bin", "CFLAGS": "-O2", "EMPTY": ""})
    command += chunk(5, platform)
    command += text(6, "build/dir")
    command += b"".join(chunk(7, p) for p in sorted([b"work/libz.a", b"work/include"]))
    action = chunk(1, digest(ref(command))) + chunk(2, digest(ref(root)))
    action += scalar(7, 1) + text(9, "trusted/main") + chunk(10, platform)
    blobs = {action, command, root, build, empty, tools, tools_bin}
    return action, command, root, blobs


def stage_with_a_service():
    """The sample of tests/unit/run/stage_services_test.cc, by the words of docs/services.md."""
    sha = lambda word: "sha256:" + hashlib.sha256(word).hexdigest()
    platform = {"container-image": sha(b"image"), "network": "none", "user": ""}
    platform |= {"service:db:" + name: value for name, value in {
        "image": sha(b"service"), "user": "postgres", "workdir": "/srv", "argument:0": "/entry",
        "argument:1": "postgres", "argument:2": "-x", "env:HOME": "/root", "env:PATH": "/usr/bin",
        "env:PGDATA": "/data", "secret:PW": "env:PGPASSWORD"}.items()}
    properties = pairs(1, platform)
    command = chunk(1, b"make") + chunk(1, b"test")
    command += pairs(2, {"PATH": "/bin", "HOME": "/root", "CI": "true"})
    command += chunk(5, properties)
    root = directory()
    return (chunk(1, digest(ref(command))) + chunk(2, digest(ref(root))) + text(9, "trusted") +
            chunk(10, properties))


def dump(*arguments):
    done = subprocess.run([DUMP, *arguments], check=True, capture_output=True, text=True)
    return [line.split() for line in done.stdout.splitlines()]


class ReapiEncoding(unittest.TestCase):
    def test_action(self):
        action, command, root, blobs = sample_action()
        lines = dump("action")
        told = {line[0]: (line[1], int(line[2])) for line in lines if line[0] != "blob"}
        self.assertEqual(told["command"], ref(command))
        self.assertEqual(told["input_root"], ref(root))
        self.assertEqual(told["action"], ref(action))
        sent = {bytes.fromhex(line[1]) if len(line) > 1 else b""
                for line in lines if line[0] == "blob"}
        self.assertEqual(sent, blobs)

    def test_stage_with_a_service(self):
        self.assertEqual(ref(stage_with_a_service())[0], "c780cf314453947c38a937c51280825e07354b3076334f4a4f5eef8996680c9a")

    def test_tree(self):
        with tempfile.TemporaryDirectory() as top:
            home, tree = os.path.join(top, "home"), os.path.join(top, "tree")
            os.makedirs(home)
            os.makedirs(os.path.join(tree, "b", "deeper"))
            os.makedirs(os.path.join(tree, "empty"))
            for name, size, mode in [("z", 0, 0o644), ("b/tool", 200, 0o755), ("a-b", 70000, 0o600),
                                     ("a", 1, 0o644), ("a.b", 300000, 0o444), ("b/\u00e9", 2, 0o644),
                                     ("b/deeper/\U0001f600", 3, 0o711)]:
                path = os.path.join(tree, name)
                with open(path, "wb") as file:
                    file.write((name.encode() * (size + 1))[:size])
                os.chmod(path, mode)
            os.symlink("../../outside", os.path.join(tree, "b", "link"))
            self.assertEqual(dump("tree", home, tree),
                             [["tree", *map(str, ref(walk(tree)))]])


if __name__ == "__main__":
    unittest.main()
