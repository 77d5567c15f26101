"""Provenance: what an artifact was made from, as an in-toto statement."""

import hashlib
import json
import re
import tarfile
import unittest

from harness import ProjectTest

STAGES = """
  make:
    inputs: {src: {path: src}, one: {path: src/a.txt}}
    env: {WHO: world}
    run: "mkdir -p out/deep && cat one > out/a.txt && echo $WHO > out/deep/b.txt && cp src/a.txt file"
    outputs: {tree: {path: out, type: directory}, file: file}
  use:
    inputs: {made: {from: make.tree}}
    run: "cat made/a.txt made/deep/b.txt > all"
    outputs: {all: all}
"""


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


class ProvenanceTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.write("src/a.txt", "hello\n")
        self.pipeline(STAGES, head="params: {kind: {default: new}}\n")

    def statement(self, run, output):
        result = self.run_stagebox("artifacts", run, output, "--provenance")
        self.assertEqual(result.returncode, 0, result.stderr)
        statement = json.loads(result.stdout)
        self.assertEqual(statement["_type"], "https://in-toto.io/Statement/v1")
        self.assertEqual(statement["predicateType"], "https://slsa.dev/provenance/v1")
        return statement

    def image_digest(self):
        with tarfile.open(self.project / "bb.tar") as archive:
            index = json.load(archive.extractfile("index.json"))
        return index["manifests"][0]["digest"].removeprefix("sha256:")

    def test_a_file_is_the_subject_and_all_it_was_made_from_is_named(self):
        self.assertEqual(self.run_stagebox("run", "--param", "kind=special").returncode, 0)
        statement = self.statement("last", "make.file")
        self.assertEqual(statement["subject"], [{"name": "make.file", "digest": {"sha256": sha256("hello\n")}}])
        definition = statement["predicate"]["buildDefinition"]
        external = definition["externalParameters"]
        self.assertEqual(external["parameters"], {"kind": "special"})
        self.assertEqual(external["environment"]["WHO"], "world")
        self.assertEqual(external["stage"], "make")
        self.assertIn("cp src/a.txt file", external["arguments"][-1])
        self.assertEqual(definition["internalParameters"]["trust"], "trusted")
        self.assertFalse(definition["internalParameters"]["cache"]["cached"])
        dependencies = {one["name"]: one["digest"] for one in definition["resolvedDependencies"]}
        self.assertEqual(dependencies["image"], {"sha256": self.image_digest()})
        self.assertEqual(dependencies["input:one"], {"sha256": sha256("hello\n")})
        self.assertIn("reapiDirectory", dependencies["input:src"])
        self.assertEqual(len(dependencies), 3)
        metadata = statement["predicate"]["runDetails"]["metadata"]
        for time in (metadata["startedOn"], metadata["finishedOn"]):
            self.assertRegex(time, re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"))

    def test_each_file_of_a_tree_is_a_subject(self):
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        subjects = {one["name"]: one["digest"] for one in self.statement("last", "make.tree")["subject"]}
        self.assertEqual(subjects["make.tree/a.txt"], {"sha256": sha256("hello\n")})
        self.assertEqual(subjects["make.tree/deep/b.txt"], {"sha256": sha256("world\n")})
        self.assertIn("reapiDirectory", subjects["make.tree"])

    def test_the_lineage_of_cached_results_and_of_inputs_is_told(self):
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        first = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        executed = self.statement(first, "use.all")
        again = self.run_stagebox("run", "--trust", "untrusted", "--domain", "pr-1")
        self.assertEqual(again.returncode, 0, again.stderr)
        statement = self.statement("last", "use.all")
        internal = statement["predicate"]["buildDefinition"]["internalParameters"]
        self.assertEqual((internal["trust"], internal["domain"]), ("untrusted", "pr-1"))
        self.assertEqual(internal["cache"]["fromRun"], first)
        self.assertEqual(internal["cache"]["fromTrust"], "trusted")
        metadata = statement["predicate"]["runDetails"]["metadata"]
        self.assertEqual(metadata, executed["predicate"]["runDetails"]["metadata"])
        self.assertEqual(metadata["invocationId"], first + "/use")
        made = [one for one in statement["predicate"]["buildDefinition"]["resolvedDependencies"]
                if one["name"] == "input:made"][0]
        self.assertEqual(made["annotations"]["output"], "make.tree")
        self.assertEqual(made["annotations"]["cache"]["fromRun"], first)

    def dependencies(self, run, output):
        definition = self.statement(run, output)["predicate"]["buildDefinition"]
        return {one["name"]: one for one in definition["resolvedDependencies"]}

    def test_what_only_has_the_same_content_as_an_output_is_not_said_to_be_it(self):
        self.write("same.txt", "same\n")
        self.pipeline("""
  make: {run: "echo same > o", outputs: {o: o}}
  twin: {run: "echo same > o", outputs: {o: o}, env: {A: b}}
  use:
    inputs: {host: {path: same.txt}, made: {from: twin.o}}
    needs: [make]
    run: "cat host made > all"
    outputs: {all: all}
""")
        for _ in range(2):  # executed, then cached
            self.assertEqual(self.run_stagebox("run").returncode, 0)
            found = self.dependencies("last", "use.all")
            self.assertEqual(found["input:host"]["digest"], found["input:made"]["digest"])
            self.assertNotIn("annotations", found["input:host"])
            self.assertEqual(found["input:made"]["annotations"]["output"], "twin.o")

    def test_caches_and_images_of_services_are_what_it_was_made_from(self):
        self.pipeline("""
  s:
    caches: [{path: kept, key: one}]
    services: {db: {image: bb, run: "exec nc -ll -p 7000 -e true", ready: {tcp: 7000}}}
    run: "echo more >> kept/file; cp kept/file all"
    outputs: {all: all}
""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        found = self.dependencies("last", "s.all")
        self.assertEqual(found["image of service:db"]["digest"], {"sha256": self.image_digest()})
        self.assertNotIn("cache:kept", found)
        first = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        self.assertEqual(self.run_stagebox("run", "--no-cache").returncode, 0)
        cache = self.dependencies("last", "s.all")["cache:kept"]
        self.assertEqual(cache["annotations"], {"key": "one", "savedBy": first, "domain": "trusted"})
        self.assertRegex(cache["digest"]["reapiDirectory"], "^[0-9a-f]{64}$")
        # And of what is taken from that run.
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.dependencies("last", "s.all")["cache:kept"], cache)

    def metadata(self, run, output):
        return self.statement(run, output)["predicate"]["runDetails"]["metadata"]

    def test_what_a_run_had_made_before_it_was_resumed_is_its_own(self):
        stages = """
  {name}:
    caches: [{{path: c, key: "k${{{{ params.v }}}}", restore: ["k"]}}]
    run: "echo ${{{{ params.v }}}} >> c/file; cp c/file o"
    outputs: {{o: o}}
  fails: {{needs: [{name}], run: "false"}}
"""
        parameters = "params: {v: {default: '0'}}\n"
        self.pipeline(stages.format(name="a"), head=parameters)
        first = self.run_stagebox("run", "--param", "v=0", "--output", "json")
        self.run_it(1, "--param", "v=1")
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        metadata, dependencies = self.metadata(run, "a.o"), self.dependencies(run, "a.o")
        saver = json.loads(first.stdout.splitlines()[0])["run"]
        self.assertEqual(dependencies["cache:c"]["annotations"]["savedBy"], saver)
        self.assertEqual(metadata["invocationId"], run + "/a")
        for _ in range(2):
            self.assertEqual(self.run_stagebox("resume", run).returncode, 1)
            self.assertEqual(self.metadata(run, "a.o"), metadata)
            self.assertEqual(self.dependencies(run, "a.o"), dependencies)
            internal = self.statement(run, "a.o")["predicate"]["buildDefinition"]["internalParameters"]
            self.assertEqual(internal["cache"], {"stageKey": internal["cache"]["stageKey"], "cached": False})
        # Another run takes it, is resumed itself, and calls it otherwise.
        for name in ("a", "a2"):
            self.pipeline(stages.format(name=name), head=parameters)
            self.run_it(1, "--param", "v=1")
            for resumed in (False, True):
                if resumed:
                    self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
                self.assertEqual(self.metadata("last", name + ".o"), metadata)
                self.assertEqual(self.dependencies("last", name + ".o"), dependencies)
                internal = self.statement("last", name + ".o")["predicate"]["buildDefinition"]["internalParameters"]
                self.assertEqual(internal["cache"]["fromRun"], run)

    def test_a_result_of_another_domain_is_known_by_the_key_that_it_was_found_under(self):
        stages = """
  {name}: {{run: "echo 1 > o", outputs: {{o: o}}}}
  fails: {{needs: [{name}], run: "false"}}
"""
        untrusted = ("--trust", "untrusted", "--domain", "pr-1")
        self.pipeline(stages.format(name="a"))
        self.run_it(1)
        first = self.statement("last", "a.o")["predicate"]
        self.pipeline(stages.format(name="b"))
        self.run_it(1, *untrusted)
        self.assertEqual(self.states()["b"], "cached")
        run = json.loads(self.run_stagebox("runs", "--json").stdout)[0]["run"]
        second = self.statement(run, "b.o")["predicate"]
        self.assertEqual(second["runDetails"], first["runDetails"])
        # Also when the run that made it and its results are gone, and when this one was resumed.
        self.assertEqual(self.run_stagebox("resume", run).returncode, 1)
        self.assertEqual(self.run_stagebox("pin", run).returncode, 0)
        self.assertEqual(self.run_stagebox("gc", "--keep", "0s").returncode, 0)
        self.assertEqual([one["run"] for one in json.loads(self.run_stagebox("runs", "--json").stdout)], [run])
        third = self.statement(run, "b.o")["predicate"]
        self.assertEqual(third["buildDefinition"]["resolvedDependencies"],
                         first["buildDefinition"]["resolvedDependencies"])
        self.assertEqual(third["buildDefinition"]["externalParameters"]["arguments"],
                         first["buildDefinition"]["externalParameters"]["arguments"])
        made_by = first["runDetails"]["metadata"]["invocationId"].removesuffix("/a")
        self.assertEqual(third["runDetails"]["metadata"], {"invocationId": made_by})

    def test_what_is_not_there_is_refused(self):
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        for arguments in (["make.none", "--provenance"], ["--provenance"], ["make.file", "out", "--provenance"],
                          ["make.file", "--tar", "--provenance"]):
            result = self.run_stagebox("artifacts", "last", *arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    unittest.main()
