"""Pipelines that do what they should: data flows, failures stop what depends on them, results are reused."""

import json
import os
import re
import unittest

from harness import ProjectTest


class PipelineTest(ProjectTest):
    def test_outputs_flow_to_later_stages(self):
        self.write("src/a.txt", "hello\n")
        self.pipeline("""
  make:
    inputs: {src: {path: src}}
    env: {WHO: world}
    run: |
      mkdir out && cp src/a.txt out/ && echo "$WHO" > out/b.txt
    outputs: {out: {path: out, type: directory}}
  use:
    inputs: {made: {from: make.out}, copy: {from: make.out, mode: overlay}}
    run: cat made/a.txt made/b.txt; echo changed > copy/a.txt; cat made/a.txt copy/a.txt; busybox stat -c %u:%g made/a.txt; ! touch made/x
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        log = self.run_stagebox("logs", "last", "use").stdout
        self.assertTrue(log.startswith("hello\nworld\nhello\nchanged\n0:0\n"), log)
        self.assertIn("Read-only", log)
        exported = self.project / "exported"
        self.assertEqual(self.run_stagebox("artifacts", "last", "make.out", exported).returncode, 0)
        self.assertEqual((exported / "b.txt").read_text(), "world\n")
        self.assertEqual(self.leftovers(), [])

    def test_all_artifacts_are_copied_into_a_new_directory_or_none(self):
        self.pipeline("""
  a: {matrix: {n: [x, y]}, run: "echo ${{ matrix.n }} > out", outputs: {o: out}}
  a.b: {run: "mkdir -p t/d; echo deep > t/d/f; ln -s d/f t/l; printf '#!/bin/sh' > p; chmod 755 p", outputs: {t: {path: t, type: directory}, p: p}}
""")
        self.run_ok()
        to = self.project / "to"
        self.assertEqual(self.run_stagebox("artifacts", "last", "--all", "to").returncode, 0)
        self.assertEqual(sorted(os.listdir(to)), ["a.b.p", "a.b.t", "a[x].o", "a[y].o"])
        self.assertEqual([(to / name).read_text() for name in ("a[x].o", "a[y].o", "a.b.t/l")], ["x\n", "y\n", "deep\n"])
        self.assertTrue(os.access(to / "a.b.p", os.X_OK))
        again = self.run_stagebox("artifacts", "last", "--all", "to/")
        self.assertEqual((again.returncode, "exists already" in again.stderr), (2, True), again.stderr)
        for wrong in (("--all", ""), ("--all", "/"), ("--all", "-"), ("a.b.p", "--all", "other"), ("--all", "no/other")):
            self.assertEqual(self.run_stagebox("artifacts", "last", *wrong).returncode, 2, wrong)
        # Of one that is damaged nothing is left.
        output = json.loads(self.run_stagebox("artifacts", "last", "--json").stdout)[0]
        damaged = list(self.home.glob(f"cas/blobs/*/{output['digest'].removeprefix('sha256:')}*"))
        self.assertTrue(damaged, output)
        for path in damaged:
            path.unlink()
            path.write_text("other content")
        before = set(os.listdir(self.project))
        refused = self.run_stagebox("artifacts", "last", "--all", "other")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(output["stage"], refused.stderr)
        self.assertEqual(set(os.listdir(self.project)), before)
        self.pipeline("  none: {run: 'true'}\n")
        self.run_ok()
        none = self.run_stagebox("artifacts", "last", "--all", "other")
        self.assertEqual((none.returncode, "has no outputs" in none.stderr), (2, True), none.stderr)
        self.assertEqual((set(os.listdir(self.project)), self.leftovers()), (before, []))

    def test_a_matrix_makes_stages_and_an_if_skips_them(self):
        self.pipeline("""
  make: {matrix: {n: [one, none], exclude: [{n: none}], include: [{n: two}]}, run: "echo ${{ matrix.n }} > out", outputs: {o: out}}
  old: {if: "params.kind == 'old'", run: "false"}
  use: {needs: [make], inputs: {i: {from: "make[two].o"}}, run: "cat i"}
""", head="params: {kind: {default: new}}\n")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.states(), {"make[one]": "succeeded", "make[two]": "succeeded", "old": "skipped",
                                         "use": "succeeded"})
        self.assertEqual(self.run_stagebox("logs", "last", "use").stdout, "two\n")
        self.assertEqual(self.run_stagebox("run", "--param", "kind=old").returncode, 1)

    def test_an_if_tests_texts(self):
        self.pipeline("""
  release: {if: "starts_with(params.ref, 'refs/heads/release/') && !contains(params.ref, 'wip')", run: "true"}
  tag: {if: "${{ ends_with(params.ref, '-tag') || starts_with(params.ref, 'refs/tags/') }}", run: "true"}
  os: {matrix: {os: [debian-11, debian-12, alpine]}, if: "starts_with(matrix.os, 'debian') && (matrix.os != 'debian-11' || params.ref == 'all')", run: "true"}
""", head="params: {ref: {default: refs/heads/main}}\n")
        always = {"os[debian-11]": "skipped", "os[debian-12]": "succeeded", "os[alpine]": "skipped"}
        for ref, release, tag in (("refs/heads/main", "skipped", "skipped"), ("refs/heads/release/1", "succeeded", "skipped"),
                                  ("refs/heads/release/wip", "skipped", "skipped"), ("refs/tags/1", "skipped", "succeeded"),
                                  ("it's-a-tag", "skipped", "succeeded"), ("refs/heads/release/'-tag", "succeeded", "succeeded")):
            self.run_ok("--no-cache", "--param", f"ref={ref}")
            self.assertEqual(self.states(), always | {"release": release, "tag": tag}, ref)
        self.pipeline("  a:\n    if: true && startsWith(params.ref, 'x')\n    run: 'true'\n", head="params: {ref: {default: x}}\n")
        check = self.run_stagebox("check")
        self.assertEqual(check.returncode, 2)
        self.assertRegex(check.stdout + check.stderr, r"stagebox\.yaml:\d+:17: unknown function `startsWith` in the condition")
        self.assertIn("did you mean `starts_with`?", check.stdout + check.stderr)

    def test_a_stage_whose_if_is_false_asks_for_nothing_that_is_not_there(self):
        self.pipeline("""
  make: {run: "true"}
  old: {if: "params.kind == 'old'", image: gone, inputs: {i: {path: gone}}, run: "false"}
""", head="params: {kind: {default: new}}\n", images=", gone: {tarball: gone.tar}")
        self.run_ok()
        self.assertEqual(self.states(), {"make": "succeeded", "old": "skipped"})
        result = self.run_stagebox("run", "--param", "kind=old")
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        self.assertIn("stage old: the input", result.stderr)

    def test_a_working_directory_is_made_where_no_input_has_its_place(self):
        self.write("src/a.txt", "hello\n")
        for user in ("0", "1000") if os.geteuid() == 0 else ("0",):
            self.pipeline(f"""
  one: {{user: "{user}", workdir: w, run: "pwd; echo a > o", outputs: {{o: w/o}}}}
  deep: {{user: "{user}", workdir: a/b/c, inputs: {{a/src: {{path: src}}}}, run: "cat ../../src/a.txt > o; touch ../o", outputs: {{o: a/b/c/o}}}}
  above: {{user: "{user}", workdir: src, inputs: {{src: {{path: src, mode: overlay}}}}, run: "cat a.txt > o", outputs: {{o: src/o}}}}
""")
            self.run_ok()
            self.assertEqual(self.run_stagebox("logs", "last", "one").stdout, "/workspace/w\n")
            for output, text in (("one.o", "a\n"), ("deep.o", "hello\n"), ("above.o", "hello\n")):
                self.assertEqual(self.run_stagebox("artifacts", "last", output, "-").stdout, text)
        shell = self.run_stagebox("shell", "last", "one", "--", "sh", "-c", "pwd")
        self.assertEqual(shell.stdout, "/workspace/w\n", shell.stderr)

    def test_a_working_directory_that_an_input_does_not_have_is_the_stages_failure(self):
        self.write("src/a.txt", "hello\n")
        self.pipeline("  make: {inputs: {src: {path: src}}, workdir: src/sub, run: 'true'}\n")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn('change to the working directory "/workspace/src/sub": No such file or directory', result.stdout)
        self.pipeline("  make: {inputs: {src: {path: src/a.txt}}, workdir: src, run: 'true'}\n")
        result = self.run_stagebox("run")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("is an input file or inside one", result.stdout + result.stderr)

    def test_an_overlay_is_writable_for_the_stages_user(self):
        self.write("src/dir/a.txt", "one\n")
        for user in (0, 1000) if os.geteuid() == 0 else (0,):
            self.pipeline(f"""
  change:
    user: "{user}"
    cache: never
    inputs: {{src: {{path: src, mode: overlay}}}}
    run: |
      echo two >> src/dir/a.txt; echo new > src/dir/b.txt; echo top > src/c.txt; rm src/dir/a.txt; mv src/dir src/moved || true
      cat src/moved/b.txt src/c.txt > out
    outputs: {{out: out}}
""")
            result = self.run_stagebox("run")
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual((self.project / "src/dir/a.txt").read_text(), "one\n")
        self.assertFalse((self.project / "src/dir/b.txt").exists())
        self.assertEqual(self.leftovers(), [])

    def test_a_failure_stops_what_depends_on_it_and_nothing_else(self):
        self.pipeline("""
  bad: {run: "echo the reason; exit 3"}
  after: {needs: [bad], run: "true"}
  later: {needs: [after], run: "true"}
  beside: {run: "echo beside"}
  always: {needs: [bad], when: always, run: "echo always"}
  tolerated: {allow_failure: true, run: "false"}
  tolerant: {needs: [tolerated], run: "echo tolerant"}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1)
        self.assertIn("exited with status 3", result.stdout)
        self.assertIn("| the reason", result.stdout)
        self.assertEqual(self.states(), {"bad": "failed", "after": "skipped", "later": "skipped", "beside": "succeeded",
                                         "always": "succeeded", "tolerated": "allowed failure", "tolerant": "succeeded"})
        self.assertRegex(self.run_stagebox("show", "last").stdout, "tolerated +allowed failure +")
        attempts = json.loads(self.run_stagebox("show", "last", "tolerated", "--json").stdout)["attempts"]
        self.assertEqual([attempt["state"] for attempt in attempts], ["failed"])

    def test_a_failure_is_allowed_by_its_exit_code_and_by_nothing_else(self):
        stages = {
            "named": ("exit 77", "allowed failure", "exited with status 77; `allow_failure` names exit code 77"),
            "last": ("exit 2", "allowed failure", "`allow_failure` names exit code 2"),
            "other": ("exit 3", "failed", "exited with status 3; `allow_failure` names only exit codes 2, 77, 137"),
            "shell": ("sh -c 'kill -9 $$'; exit $?", "allowed failure", "exited with status 137; `allow_failure` names exit code 137"),
            "signal": ("kill -9 $$", "failed", "`allow_failure` names only"),
            "missing": ("true", "failed", "it was not made; `allow_failure` names only"),
            "slow": ("sleep 100", "failed", "ran longer than its timeout of 0.30s; `allow_failure` names only"),
            "good": ("true", "succeeded", None)}
        more = {"missing": ", outputs: {o: o}", "slow": ", timeout: 300ms"}
        self.pipeline("".join(f"""
  {name}: {{allow_failure: {{exit_codes: [2, 77, 137]}}, run: "{run}"{more.get(name, "")}}}
  after_{name}: {{cache: never, needs: [{name}], run: "true"}}""" for name, (run, _, _) in stages.items()) + "\n")
        out = self.run_it(1)
        states = self.states()
        for name, (_, state, reason) in stages.items():
            self.assertEqual((states[name], states[f"after_{name}"]), (state, "skipped" if state == "failed" else "succeeded"), name)
            if reason:
                word = "FAILED" if state == "failed" else re.escape("failed (allowed)")
                self.assertRegex(out, rf"(?m)^  {name} +{word} .*{re.escape(reason)}")
        show = json.loads(self.run_stagebox("show", "last", "named", "--json").stdout)
        self.assertIn("`allow_failure` names exit code 77", json.dumps(show["stages"]))
        self.assertIn("`allow_failure` names exit code 77", self.run_stagebox("show", "last").stdout)
        self.pipeline("  a: {allow_failure: {exit_codes: 7}, retry: {attempts: 2, backoff: 10ms}, run: 'exit 7'}\n")
        self.assertIn("attempt 2 of 2: exited with status 7; `allow_failure` names exit code 7", self.run_it(0))

    def test_a_missing_output_fails_the_stage(self):
        self.pipeline("  make: {run: 'true', outputs: {x: nothing}}\n")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1)
        self.assertIn("is missing", result.stdout)

    def test_hostile_outputs_are_refused_and_not_followed(self):
        for command in ("ln -s /etc/passwd x", "mkfifo x", "mkdir x && mkfifo x/y", "ln -s . d && ln -s /etc d/x"):
            self.pipeline(f"  make: {{run: '{command}', outputs: {{x: x}}}}\n")
            result = self.run_stagebox("run")
            self.assertEqual(result.returncode, 1, command + result.stdout + result.stderr)

    def test_only_what_changed_runs_again(self):
        self.write("src/a.txt", "one\n")
        self.pipeline("""
  make: {inputs: {src: {path: src}}, run: "cp src/a.txt out", outputs: {out: out}}
  use: {inputs: {in: {from: make.out}}, run: "cat in"}
""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.states(), {"make": "cached", "use": "cached"})
        self.write("src/a.txt", "two\n")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        self.assertEqual(self.states(), {"make": "succeeded", "use": "succeeded"})
        self.assertEqual(self.run_stagebox("run", "--no-cache").returncode, 0)
        self.assertEqual(self.states(), {"make": "succeeded", "use": "succeeded"})

    def test_limits_end_a_stage_by_name(self):
        self.pipeline("""
  slow: {timeout: 300ms, run: "sleep 100"}
  hungry: {resources: {memory: 16MiB}, run: "head -c 200000000 /dev/zero | tr 'a' 'b' > /dev/shm/x"}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1)
        self.assertIn("ran longer than its timeout", result.stdout)
        self.assertEqual(self.leftovers(), [])

    def test_exec_gives_the_commands_status(self):
        self.assertEqual(self.run_stagebox("exec", "--image", "bb.tar", "--", "sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(self.run_stagebox("exec", "--image", "bb.tar", "--", "sh", "-c", "kill -9 $$").returncode, 137)
        self.assertEqual(self.run_stagebox("exec", "--image", "bb.tar", "--", "nothing").returncode, 127)
        self.assertEqual(self.run_stagebox("exec", "--image", "none", "--", "true").returncode, 125)


class DeniedCallsTest(ProjectTest):
    def test_denied_system_calls_of_stages_are_named_when_that_is_asked_for(self):
        script = "busybox mount -t tmpfs none /tmp || busybox unshare -n true || exit"
        self.pipeline(f"""
  fails: {{run: "{script} 3"}}
  goes_on: {{run: "{script} 0"}}
  fine: {{run: "true"}}
""")
        def of(*options):
            result = self.run_stagebox("run", "--output", "json", *options)
            return {line["stage"]: line["report"] for line in map(json.loads, result.stdout.splitlines()) if line.get("report")}
        told = of("--explain-syscalls")
        for stage in ("fails", "goes_on"):
            self.assertLessEqual({"mount", "unshare"}, {call["name"] for call in told[stage]["denied_syscalls"]})
        self.assertEqual((told["fails"]["cause"], told["fails"]["status"]), ("exited", 3))
        self.assertIn("system calls that were not allowed: ", told["fails"]["description"])
        self.assertTrue(all("denied_syscalls" not in report for report in of("--no-cache").values()))
        # The key is the same; nothing is told of what did not run.
        self.assertNotIn("goes_on", of("--explain-syscalls"))
        shown = self.run_stagebox("run", "--explain-syscalls", "--no-cache").stdout
        for status in (0, 3):
            self.assertIn(f"exited with status {status}; system calls that were not allowed: mount (1), unshare (1)", shown)
        self.assertNotIn("not allowed", self.run_stagebox("run", "--no-cache").stdout)
        self.assertEqual(self.leftovers(), [])


if __name__ == "__main__":
    unittest.main()
