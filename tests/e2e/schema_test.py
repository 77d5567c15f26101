"""The published JSON Schema and `stagebox check` say the same of pipeline files: those of the documentation, and what
becomes of them by a mistake."""

import copy
import json
import re
import unittest

from harness import ROOT, ProjectTest

try:
    import jsonschema
    import yaml
except ImportError:
    jsonschema = None

SCHEMA = ROOT / "docs" / "stagebox.schema.json"
WHOLE = """
stagebox: 1
name: whole
timeout: 1h
params: {kind: {default: Release, choices: [Debug, Release]}}
images:
  bb: {tarball: bb.tar}
  pinned: {name: other, digest: "sha256:0000000000000000000000000000000000000000000000000000000000000000"}
defaults: {image: bb, timeout: 1m, resources: {cpus: 1, memory: 64MiB}}
stages:
  make:
    inputs: {src: {path: ., exclude: [.git, "*.o"]}}
    env: {FLAGS: -O2}
    run: cp -r src out
    outputs: {one: made, all: {path: out, type: directory, max_size: 1MiB}}
  test:
    matrix: {size: [small, large]}
    inputs: {in: {from: make.all, mode: overlay}}
    run: [./test, "${{ matrix.size }}"]
    user: "1000:1000"
    workdir: in
    tests: [{junit: "r/*.xml"}, {tap: t.tap, required: false}]
    coverage: [{lcov: lcov.info}]
    summary: summary.md
    quarantine: ["s.*"]
    network: {allow: ["a.example:443"]}
    secrets: [TOKEN, {name: OTHER, env: AS}]
    caches: [{path: .c, key: "k-${{ hash(in) }}", restore: [k-], max_size: 1GiB, save: always}]
    mutex: [deploy, {name: database, across: runs}]
    services: {db: {image: pinned, run: serve, env: {A: b}, ready: {tcp: 5432, timeout: 1m}}, other: {image: bb, ready: "true"}}
    retry: {attempts: 3, backoff: 2s, on: [timeout, infrastructure, tests, "exit:75"]}
    allow_failure: true
    when: always
    if: params.kind == 'Release'
    needs: [make]
    cache: never
    capabilities: none
"""

# Settings of a stage that are right, and that are wrong in a way that can be seen in a word.
TAKEN = """
resources: {cpus: "2"}
resources: {cpus: "0.5", cpu_weight: "7", pids: "64", inodes: "64", open_files: "16", outputs: "1"}
resources: {cpus: 0.01, cpuset: 0}
resources: {memory: "1048576", disk: 1 MiB, io_read: 64KiB, io_write: 0.1MB, shm_size: 1.0MiB, log: 1024}
retry: {attempts: "3"}
retry: {on: ["exit:1", "exit:255", "exit:075", "${{ params.what }}"]}
caches: [{path: c, key: 1, restore: [1, true]}]
caches: [{path: c, key: "${{ params.kind }}"}]
salt: 1
salt: ""
salt: true
capabilities: [cap_chown]
capabilities: [Net_Raw, CAP_KILL]
capabilities: []
allow_failure: "true"
allow_failure: {exit_codes: 77}
allow_failure: {exit_codes: ["1", "0255", 255, 1, "${{ params.code }}"]}
jobserver: "false"
jobserver: "${{ params.jobs }}"
timeout: "90"
timeout: 0.5
timeout: 1h0m
timeout: 0h1s
timeout: 1.5h
user: 0
user: image
user: "4294967294:0"
user: www-data:7
user: "${{ params.kind }}"
mutex: 1
mutex: [a, 1]
mutex: []
mutex: {name: a}
mutex: [a, {name: 1, across: runs}, {name: b, across: run}]
mutex: {name: "${{ params.kind }}", across: "${{ params.across }}"}
caches: [{path: c, key: k, save: "${{ params.when }}"}, {path: d, key: k, save: never}]
workdir: 1
shell: [1]
cache: {ttl: "60"}
network: {allow: ["a.example:1", "*.b.example:65535", "10.0.0.0/8:5432", "[2001:db8::/32]:443", "${{ params.kind }}.example:80"]}
network: {allow: ["A_b-c.example.:080"]}
services: {db: {image: bb, ready: {tcp: "5432"}}}
secrets: []
env: {A: ""}
tests: [{tap: a, required: "false"}]
when: "${{ params.when }}"
cache: "${{ params.cache }}"
network: "${{ params.net }}"
capabilities: "${{ params.net }}"
outputs: {o: {path: 1, type: "${{ params.type }}"}}
matrix: {n: [1, 2], exclude: [{n: 1}], include: [{n: x}]}
matrix: {include: [{n: 1, m: 2}, {m: "${{ params.kind }}", n: 1}]}
""".strip().splitlines()
REFUSED = """
resources: {cpus: "0"}
resources: {cpus: ""}
resources: {cpu_weight: "0"}
resources: {cpuset: ""}
resources: {cpuset: a}
resources: {memory: 1023KB}
resources: {memory: 0}
resources: {memory: 1048575}
resources: {memory: -1MiB}
resources: {disk: 1000}
resources: {shm_size: 1}
resources: {io_read: 1000}
resources: {log: 100}
resources: {pids: "1"}
retry: {on: ["exit:0"]}
retry: {on: ["exit:256"]}
retry: {on: ["exit:1000"]}
retry: {on: ["exit:"]}
retry: {attempts: "0"}
retry: {attempts: "101"}
retry: {attempts: 1.5}
caches: [{path: c, key: ""}]
caches: [{path: c, key: k, restore: [""]}]
capabilities: [FLY]
capabilities: [""]
allow_failure: "yes"
allow_failure: [77]
allow_failure: {}
allow_failure: {exit_codes: []}
allow_failure: {exit_codes: 0}
allow_failure: {exit_codes: [1, "256"]}
allow_failure: {exit_codes: [[1]]}
allow_failure: {exit_codes: 1.5}
timeout: 0s
timeout: "0"
timeout: 0h0.0m
timeout: 1s1h
timeout: 1m1m
timeout: ""
timeout: -1
user: ""
user: "a b"
user: "1:"
user: "-1"
user: 1.5
mutex: ""
mutex: [""]
mutex: a b
mutex: {}
mutex: {across: runs}
mutex: {name: ""}
mutex: [[a]]
mutex: {name: a, across: all}
mutex: {name: a, across: ""}
mutex: {name: a, across: true}
caches: [{path: c, key: k, save: true}]
caches: [{path: c, key: k, save: failure}]
quarantine: [""]
workdir: ""
workdir: /a
shell: []
shell: [""]
cache: {ttl: 0s}
network: {allow: [a]}
network: {allow: ["a.example:0"]}
network: {allow: ["a.example:65536"]}
network: {allow: ["a.example:http"]}
network: {allow: [":80"]}
network: {allow: ["https://a.example:80"]}
network: {allow: [""]}
services: {db: {image: bb, ready: {tcp: "0"}}}
services: {db: {image: bb, ready: {tcp: 5432, interval: 0s}}}
matrix: {n: [1, 2], exclude: {n: 1}}
matrix: {n: [1, 2], exclude: [n]}
matrix: {n: [1, 2], include: [{}]}
matrix: {n: [1, 2], include: [{n: a b}]}
matrix: {n: [1, 2], include: [{n: [3]}]}
""".strip().splitlines()


def documented():
    """By where it stands, each pipeline file, and each part of one, of the documentation."""
    found = {"here": WHOLE}
    for path in ROOT.glob("docs/examples/*/stagebox.yaml"):
        found[path.parent.name] = path.read_text()
    for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", path.read_text(), re.S)):
            if re.search("^stages:", block, re.M):
                found[f"{path.name} {number}"] = block
    return found


@unittest.skipUnless(jsonschema, "no jsonschema or yaml (packages python3-jsonschema, python3-yaml)")
class SchemaTest(ProjectTest):
    def setUp(self):
        super().setUp()
        schema = json.loads(SCHEMA.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        self.validator = jsonschema.Draft202012Validator(schema)

    @staticmethod
    def load(text):
        """As YAML 1.2 has it, where `on` is a word."""
        class Loader(yaml.SafeLoader):
            yaml_implicit_resolvers = {
                first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
                for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
        Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))
        return yaml.load(text, Loader)

    def whole(self, text):
        """Of a part of a file a whole one."""
        document = self.load(text)
        document.setdefault("stagebox", 1)
        images = document.setdefault("images", {})
        if not images:
            images["bb"] = {"tarball": "bb.tar"}
            document.setdefault("defaults", {}).setdefault("image", "bb")
        return document

    def complaints(self, document):
        return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in self.validator.iter_errors(document)]

    def check(self, document):
        """What Stagebox says against it; nothing when it takes it. JSON is YAML."""
        self.write("stagebox.yaml", json.dumps(document))
        result = self.run_stagebox("check")
        self.assertIn(result.returncode, (0, 2), result.stderr)
        return result.stdout + result.stderr if result.returncode else ""

    def test_what_the_documentation_shows_is_right(self):
        documents = documented()
        self.assertGreater(len(documents), 6)
        for where, text in documents.items():
            with self.subTest(where):
                document = self.whole(text)
                self.assertEqual(self.complaints(document), [])
                self.assertEqual(self.check(document), "")

    def mistakes(self, node, path=()):
        """Where a key is misspelt, and where a value is of another kind."""
        if isinstance(node, dict):
            for key, value in node.items():
                yield (*path, key), "key"
                yield (*path, key), "value"
                yield from self.mistakes(value, (*path, key))
        elif isinstance(node, list):
            for index, value in enumerate(node):
                yield from self.mistakes(value, (*path, index))

    @staticmethod
    def with_mistake(document, path, kind):
        changed = copy.deepcopy(document)
        node = changed
        for step in path[:-1]:
            node = node[step]
        if kind == "key":
            node[f"{path[-1]}_x"] = node.pop(path[-1])
        elif kind == "quoted":
            node[path[-1]] = json.dumps(node[path[-1]])
        elif kind == "text":
            node[path[-1]] = ""
        else:
            node[path[-1]] = [[{"no": {"such": 1}}]]
        return changed

    def test_what_stagebox_takes_no_editor_marks_and_what_the_schema_refuses_nobody_takes(self):
        document = self.load(WHOLE)
        refused = 0
        for path, kind in self.mistakes(document):
            changed = self.with_mistake(document, path, kind)
            with self.subTest(path=path, kind=kind):
                by_schema, by_stagebox = self.complaints(changed), self.check(changed)
                if by_schema:
                    refused += 1
                    self.assertNotEqual(by_stagebox, "", by_schema)
                # A value of another kind is all that a schema can be expected to see.
                elif kind == "value":
                    self.assertEqual(by_stagebox, "")
        self.assertGreater(refused, 100)

    def scalars(self, node, path=()):
        if isinstance(node, (dict, list)):
            for key, value in node.items() if isinstance(node, dict) else enumerate(node):
                yield from self.scalars(value, (*path, key))
        else:
            yield path, node

    def test_a_quoted_number_is_the_number_and_an_empty_text_is_marked_where_it_is_a_mistake(self):
        document = self.load(WHOLE)
        for path, value in self.scalars(document):
            if path[0] == "params":  # What a parameter may be, and what the others say, are two things.
                continue
            for kind in ("text",) if isinstance(value, str) else ("text", "quoted"):
                changed = self.with_mistake(document, path, kind)
                with self.subTest(path=path, kind=kind):
                    by_schema, by_stagebox = self.complaints(changed), self.check(changed)
                    self.assertEqual(bool(by_schema), bool(by_stagebox), (by_schema, by_stagebox))

    def test_the_forms_of_values(self):
        head = ("stagebox: 1\nparams: {kind: {default: root}, jobs: {default: false}, what: {default: failure}, when: {default: always}, "
                "cache: {default: never}, code: {default: 77}, across: {default: runs}, net: {default: none}, type: {default: file}}\n"
                "images: {bb: {tarball: bb.tar}}\nstages:\n  s:\n    image: bb\n    run: 'true'\n    ")
        for settings, is_right in ((TAKEN, True), (REFUSED, False)):
            for setting in settings:
                with self.subTest(setting):
                    document = self.load(head + setting + "\n")
                    by_schema, by_stagebox = self.complaints(document), self.check(document)
                    self.assertEqual(by_stagebox == "", is_right, by_stagebox)
                    self.assertEqual(by_schema == [], is_right, by_schema)


if __name__ == "__main__":
    unittest.main()
