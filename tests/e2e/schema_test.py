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
    quarantine: ["s.*"]
    network: {allow: ["a.example:443"]}
    secrets: [TOKEN, {name: OTHER, env: AS}]
    caches: [{path: .c, key: "k-${{ hash(in) }}", restore: [k-], max_size: 1GiB}]
    services: {db: {image: pinned, run: serve, env: {A: b}, ready: {tcp: 5432, timeout: 1m}}, other: {image: bb, ready: "true"}}
    retry: {attempts: 3, backoff: 2s, on: [timeout, infrastructure, tests, "exit:75"]}
    allow_failure: true
    when: always
    if: params.kind == 'Release'
    needs: [make]
    cache: never
    capabilities: none
"""


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


if __name__ == "__main__":
    unittest.main()
