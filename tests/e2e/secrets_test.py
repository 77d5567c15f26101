"""Secrets: a stage that declares one gets it, and its value is nowhere else."""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time
import unittest

from harness import ProjectTest
from secret_samples import FORMS, VALUE


class SecretsTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.environment["GIVEN"] = VALUE

    def run_with(self, *arguments):
        return self.run_stagebox("run", "--secret", "TOKEN=env:GIVEN", *arguments)

    def run_ok(self, *arguments):
        result = self.run_with(*arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def log(self, stage, *arguments):
        return self.run_stagebox("logs", "last", stage, *arguments).stdout

    def assert_nowhere(self, *texts):
        """Neither in what was told nor in any file of the state directory."""
        for text in texts:
            for form in FORMS:
                self.assertNotIn(form.decode(), text)
        for path in self.home.rglob("*"):
            if not path.is_file() or "layers" in path.parts:
                continue
            data = path.read_bytes()
            for form in FORMS:
                self.assertNotIn(form, data, path)
        # What is compressed, or cut into chunks, in a file.
        for path in self.home.glob("logs/*/*.log"):
            stage, *attempt = path.name.split(".")[:-1]
            shown = self.run_stagebox("logs", path.parent.name, stage, "--attempt", *(attempt or "1"), text=False)
            for form in FORMS:
                self.assertNotIn(form, shown.stdout, path)

    def test_it_is_a_file_of_the_stages_user_and_a_variable_on_request(self):
        self.pipeline("""
  file: {secrets: [TOKEN], user: "1000", run: "id -u; wc -c < /run/secrets/TOKEN; ls -ln /run/secrets; grep -c hunter22 /run/secrets/TOKEN; echo ${TOKEN-unset}; { echo x > /run/secrets/TOKEN; } 2>/dev/null || echo read-only"}
  env: {secrets: [{name: TOKEN, env: AS}], run: "test \\"$AS\\" = \\"$(cat /run/secrets/TOKEN)\\" && echo the same"}
  none: {run: "ls /run/secrets || echo none; env"}
""")
        result = self.run_ok()
        log = self.log("file")
        self.assertRegex(log, r"^1000\n16\n")
        self.assertRegex(log, r"-r-------- +1 1000 +\d+ +16 ")
        self.assertTrue(log.endswith("1\nunset\nread-only\n"), log)
        self.assertEqual(self.log("env"), "the same\n")
        self.assertIn("none\n", self.log("none"))
        self.assertNotIn("GIVEN", self.log("none"))
        self.assert_nowhere(result.stdout, result.stderr)
        self.assertEqual(self.leftovers(), [])

    def test_it_comes_from_standard_input(self):
        self.pipeline("  make: {secrets: [TOKEN], run: 'wc -c < /run/secrets/TOKEN; cat /run/secrets/TOKEN'}\n")
        del self.environment["GIVEN"]
        process = self.start("run", "--secret", "TOKEN=stdin", stdin=subprocess.PIPE)
        out, err = process.communicate(VALUE, timeout=120)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(self.log("make"), f"{len(VALUE)}\n***")
        self.assert_nowhere(out, err)
        self.pipeline("  make: {secrets: [TOKEN, OTHER], run: 'true'}\n")
        result = self.run_stagebox("run", "--secret", "TOKEN=stdin", "--secret", "OTHER=stdin")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("stdin was given twice", result.stderr)
        self.assertNotIn("shorter", result.stderr)

    def test_a_value_that_cannot_be_a_variable_is_refused_before_anything_runs(self):
        self.write("nul", "a value\0with a NUL")
        self.pipeline("  first: {run: 'true'}\n  make: {secrets: [{name: TOKEN, env: TOKEN}], needs: [first], run: 'true'}\n")
        result = self.run_stagebox("run", "--secret", f"TOKEN=file:{self.project}/nul")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("the secret TOKEN has a NUL byte", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_lines_are_in_the_log_as_they_were_written(self):
        """Also when one ends with a letter that a secret begins with: it waits for none after it."""
        self.pipeline("""
  make:
    secrets: [TOKEN]
    run: "echo 'a path'; sleep 0.3; echo 'error: broke' >&2; sleep 0.3; echo done; printf 'so it is: tenth'; kill -9 $$"
""")
        result = self.run_with()
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(self.log("make"), "a path\nerror: broke\ndone\nso it is: tenth")

    def test_what_it_writes_is_masked_in_every_form(self):
        # printf of the shell writes at once; the sleep makes two reads of it.
        self.pipeline("""
  make:
    secrets: [TOKEN]
    network: {allow: ["127.0.0.1:1"]}
    run: |
      v=$(cat /run/secrets/TOKEN)
      echo "plain $v"
      printf '%s' "${v%22-x9zq-w7}"; sleep 0.1; echo between >&2; sleep 0.1; echo "${v#hunter}"
      for prefix in "" x xx; do printf '%s' "$prefix$v" | busybox base64; done
      printf '%s' "$v" | busybox hexdump -ve '1/1 "%.2x"'; echo
      echo "$v" | busybox sed 's/./&\\n/g'
      wget -q -O - "http://$v.example/" || true
      echo "$v" >&2
      exit 3
""")
        result = self.run_with()
        self.assertEqual(result.returncode, 1, result.stderr)
        log = self.log("make")
        self.assertIn("plain ***\n***\n", self.log("make", "--stream", "stdout"), "what another stream says between")
        self.assertIn("***", result.stdout + result.stderr, "the last lines are shown")
        for letter in "nter":  # One or two at its beginning may stay where a line ends with them.
            self.assertNotIn(f"\n{letter}\n", log)
        shown = self.run_stagebox("show", "last", "make", "--json")
        self.assert_nowhere(result.stdout, result.stderr, log, shown.stdout)
        events = self.run_with("--output", "json", "--no-cache")
        self.assert_nowhere(events.stdout, events.stderr)

    def test_annotations_with_their_escapes_undone_are_masked(self):
        """As those write them who know how: in properties a colon and a comma are escaped, everywhere a percent sign."""
        for value, title, message in (
                ("ab%cd&efgh", "ab%25cd&efgh", "ab%25cd&efgh"),
                ("postgres://u:p4ssw0rd@db/x", "postgres%3A//u%3Ap4ssw0rd@db/x", "postgres://u:p4ssw0rd@db/x"),
                ("one:two\nthree, four", "one%3Atwo%0Athree%2C four", "one:two%0Athree, four"),
                # A comma that is not escaped ends the title; what stands before it is part of the secret.
                ("first:second,third", "first%3Asecond,third", None)):
            self.environment["GIVEN"] = value
            # In octal, because the command of a stage that failed is shown.
            line = "".join(f"\\{byte:03o}" for byte in f"::error title={title}::{message or 'broken'}\n".encode())
            self.pipeline(f"""
  make:
    cache: never
    secrets: [TOKEN]
    run: |
      printf '{line}'; exit 3
""")
            with self.subTest(value):
                events = self.project / "events"
                report = self.project / "report"
                result = self.run_with("--events", events, "--report", report)
                self.assertEqual(result.returncode, 1, result.stderr)
                lines = r"\\n".join([r"\*\*\*"] * (value.count("\n") + 1))
                self.assertRegex(result.stdout, f"error: {lines}: ")
                told = [result.stdout, result.stderr, events.read_text(), self.log("make")]
                if message is not None:
                    told += [self.log("--annotations"), (report / "index.html").read_text()]
                for text in told:
                    for form in {value, json.dumps(value)[1:-1], title if message else value, message or value}:
                        self.assertNotIn(form, text)
                shutil.rmtree(report)

    def test_a_value_that_a_stage_names_is_masked_from_then_on(self):
        first, second = VALUE.split("x")
        self.pipeline(f"""
  make:
    tests: [{{junit: junit.xml}}]
    run: |
      token=$(printf '{first}%s{second}' x)
      echo "::add-mask::$token"
      echo "it is $token"; echo "$token" >&2; printf %s "$token" | busybox base64
      echo "::error title=$token::got $token"
      cat > junit.xml <<end
      <testsuite><testcase name="$token"><failure message="with $token">$token</failure></testcase></testsuite>
      end
      exit 1
  other: {{run: "echo exited"}}
""")
        events = self.project / "events"
        report = self.project / "report"
        result = self.run_stagebox("run", "--events", events, "--report", report)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("got ***", result.stdout)
        log = self.log("make")
        self.assertEqual(log.splitlines().count("***"), 1, "of standard error")
        self.assertIn("::add-mask::***\nit is ***\n", log)
        self.assertIn("with ***", self.run_stagebox("tests", "last").stdout)
        self.assert_nowhere(result.stdout, result.stderr, events.read_text(), (report / "index.html").read_text())

    def test_a_value_that_a_stage_names_hides_nobody_elses_words(self):
        self.pipeline("""
  make: {run: "for word in exited make failed stage with stagebox; do echo ::add-mask::$word; done; echo exited with; exit 3"}
  other: {run: "echo exited with"}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1)
        self.assertIn("exited with status 3", result.stdout)
        self.assertNotIn("exited with\n", self.log("make"))
        self.assertEqual(self.log("other"), "exited with\n")

    def test_a_later_attempt_knows_the_values_of_one_before(self):
        first, second = VALUE.split("x")
        self.pipeline(f"""
  make: {{retry: {{attempts: 2, backoff: 1ms}}, run: "token={first}$(echo x){second}; echo $token; echo ::add-mask::$token; exit 1"}}
""")
        self.assertEqual(self.run_stagebox("run").returncode, 1)
        self.assertEqual(self.log("make", "--attempt", "1"), f"{VALUE}\n::add-mask::***\n", "what was before it stays")
        self.assertEqual(self.log("make"), "***\n::add-mask::***\n")

    def test_an_output_with_a_value_that_the_stage_named_is_refused(self):
        first, second = VALUE.split("x")
        self.pipeline(f"""
  long: {{run: "token={first}$(echo x){second}; echo ::add-mask::$token; echo $token > o", outputs: {{o: o}}}}
  short: {{run: "echo ::add-mask::common; echo common > o", outputs: {{o: o}}}}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1)
        self.assertIn('output "o": the file "o" contains a secret', result.stdout)
        self.assertRegex(result.stdout, "short +ok")
        self.assert_nowhere(result.stdout)

    def test_a_value_that_cannot_be_masked_is_said(self):
        self.pipeline("""
  make: {run: "echo ::add-mask::abc; echo ::add-mask::; i=0; while [ $i -lt 101 ]; do echo ::add-mask::value$i; i=$((i+1)); done; echo abc value5 value100"}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("warning: a value of ::add-mask:: is not masked: it is shorter than 4 bytes", result.stdout)
        self.assertIn("at most 100 of them", result.stdout)
        logs = self.run_stagebox("logs", "last", "make")
        self.assertTrue(logs.stdout.endswith("abc *** value100\n") or logs.stdout.endswith("abc *** ***0\n"), logs.stdout[-100:])
        self.assertIn("stagebox: note: 1 further values of ::add-mask:: are not masked", logs.stderr)

    def test_what_a_check_of_a_service_wrote_is_masked_before_it_is_cut(self):
        for padding in (0, 2048 - len(VALUE) // 2):
            self.pipeline(f"""
  make:
    run: "true"
    services:
      db:
        image: bb
        secrets: [{{name: TOKEN, env: AS}}]
        run: sleep 100
        ready: {{timeout: 1s, run: "head -c {padding} /dev/zero | tr '\\\\0' .; printf %s $AS; exit 1"}}
""")
            with self.subTest(padding):
                result = self.run_with()
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn("and wrote: " + "." * padding + "***"[:2048 - padding], result.stdout + result.stderr)
                self.assertNotIn(VALUE[:4], result.stdout + result.stderr)

    def test_colours_hide_nothing(self):
        self.pipeline("""
  make:
    secrets: [TOKEN]
    run: |
      v=$(cat /run/secrets/TOKEN)
      printf '%s\\033[01;31m\\033[K%s\\033[m\\033[K\\n' "${v%22-x9zq-w7}" "${v#hunter}"
""")
        self.run_ok()
        self.assertEqual(self.log("make"), "******\n")
        self.assertEqual(self.log("make", "--raw"), "***\033[01;31m\033[K***\033[m\033[K\n")

    def test_it_is_masked_in_a_log_that_is_compressed(self):
        self.pipeline("""
  make:
    secrets: [TOKEN]
    run: "v=$(cat /run/secrets/TOKEN); i=0; while [ $i -lt 3000 ]; do echo \\"$i $v\\"; echo \\"$v\\" >&2; i=$((i+1)); done"
""")
        self.run_ok()
        (path,) = self.home.glob("logs/*/make.log")
        self.assertEqual(path.read_bytes()[:4], b"\x28\xb5\x2f\xfd")
        self.assertEqual(self.log("make", "--stream", "stderr"), "***\n" * 3000)
        self.assertIn("2999 ***\n", self.log("make", "--stream", "stdout"))
        self.assert_nowhere()

    def test_a_hit_shows_the_masked_log(self):
        self.pipeline("  make: {secrets: [TOKEN], run: 'cat /run/secrets/TOKEN'}\n")
        self.run_ok()
        self.environment["GIVEN"] = "another-value"
        self.assertIn("from run", self.run_ok().stdout, "values are no part of the key")
        self.assertEqual(self.log("make"), "***")
        self.environment["GIVEN"] = VALUE
        self.assert_nowhere()

    def test_outputs_that_contain_it_are_refused(self):
        for name, script in {"file": "cp /run/secrets/TOKEN out/copy", "encoded": "busybox base64 /run/secrets/TOKEN > out/copy",
                             "link": "ln -s /$(cat /run/secrets/TOKEN) out/copy",
                             "name": "touch out/$(busybox base64 /run/secrets/TOKEN)x"}.items():
            self.pipeline(f'  make: {{secrets: [TOKEN], run: "mkdir out; {script}", outputs: {{o: out}}}}\n')
            with self.subTest(name):
                result = self.run_with()
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                self.assertIn('output "o": the ', result.stdout + result.stderr)
                self.assertIn("contains a secret", result.stdout + result.stderr)
                self.assert_nowhere(result.stdout, result.stderr)

    def test_others_cannot_read_it(self):
        self.pipeline("""
  make:
    secrets: [{name: TOKEN, env: TOKEN}]
    run: |
      ulimit -c unlimited 2>/dev/null || true
      for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ > /dev/null 2>&1 && echo ${p##*/} >> mine || true; done
      sh -c 'kill -SEGV $$' || true
      find / /workspace /tmp /dev/shm -xdev -name 'core*' -type f 2>/dev/null
      cat /proc/1/environ /proc/1/mem 2>&1 | head -c 200
  other:
    run: "cat /proc/*/environ | tr '\\\\0' '\\\\n'; ls /run/secrets || true"
""")
        result = self.run_ok("--jobs", "2")
        self.assertNotIn("core", self.log("make"))
        self.assertNotIn("TOKEN", self.log("other"))
        self.assert_nowhere(result.stdout, result.stderr, self.log("make"))

    def test_no_core_goes_to_a_handler_either(self):
        """Where a core goes through a pipe, only a limit of 1 keeps it from it. Who has 0 has it for its stages too."""
        if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
            self.skipTest("the hard limit of cores is 0 here")
        services = "services: {one: {image: bb, run: 'grep core /proc/self/limits; touch /workspace/x; sleep 100', ready: 'test -e /workspace/x'}}"
        self.pipeline(f"  make: {{cache: never, {services}, run: 'grep core /proc/self/limits'}}\n")
        for own, expected in ((None, 1), (0, 0)):
            with self.subTest(own):
                limit = None if own is None else lambda: resource.setrlimit(resource.RLIMIT_CORE, (own, own))
                run = self.start("run", preexec_fn=limit)
                out, err = run.communicate(timeout=120)
                self.assertEqual(run.returncode, 0, out + err)
                for name in ("make", "make@one"):
                    self.assertRegex(self.log(name), rf"^Max core file size +{expected} +{expected} +bytes")
        run = self.run_stagebox("exec", "--image", "bb.tar", "--", "grep", "core", "/proc/self/limits")
        self.assertRegex(run.stdout, r"^Max core file size +1 +1 +bytes", run.stderr)

    def test_mistakes_are_told_before_anything_runs(self):
        self.pipeline("  make: {secrets: [TOKEN], run: 'true'}\n  later: {needs: [make], secrets: [OTHER], run: 'true'}\n")
        (self.dir / "short").write_text("k3y")
        (self.dir / "short-line").write_text("k3y\n")
        (self.dir / "value").write_text("good-value")
        other = ("--secret", f"OTHER=file:{self.dir}/value")
        for arguments, words in {
                (): ("stage make: nobody gave the secret TOKEN", "stage later: nobody gave the secret OTHER"),
                ("--secret", "TOKEN=env:NOT_SET", *other): ("the secret TOKEN: the variable that --secret TOKEN=env:... names is not set",),
                ("--secret", "TOKEN=env:TOKEN", *other): ("the secret TOKEN: the variable TOKEN is not set",),
                ("--secret", f"TOKEN=file:{self.dir}", *other): (f"the secret TOKEN: read {self.dir}: Is a directory",),
                ("--secret", f"TOKEN=file:{self.dir}/short", *other): ("shorter than 4 bytes",),
                ("--secret", f"TOKEN=file:{self.dir}/short-line", *other): ("the secret TOKEN is shorter than 4 bytes",),
                ("--secret", "TOKEN=env:GIVEN", "--secret", "TOKN=env:GIVEN", *other): ("TOKN", "no stage declares it"),
                ("--secret", f"TOKEN={VALUE}", *other): ("does not belong on a command line",),
                ("--secret", f"{VALUE}=", *other): ("does not belong on a command line",),
                ("--secret", VALUE, *other): ("--secret is not of the form NAME=env:VAR",),
                ("--secret", f"TOKEN=env:{VALUE}", *other): ("names is not set",),
                ("--trust", "untrusted", *other): ("the secret `TOKEN` is not permitted by the rule untrusted.secrets",)
        }.items():
            with self.subTest(arguments):
                result = self.run_stagebox("run", *arguments)
                self.assertEqual(result.returncode, 2, result.stderr)
                for word in words:
                    self.assertIn(word, result.stderr)
                self.assertNotIn(VALUE, result.stderr)
                self.assertFalse(self.home.exists(), "nothing was begun")

    def test_a_dry_run_needs_none(self):
        self.pipeline("  make: {secrets: [TOKEN], run: 'true'}\n")
        planned = self.run_stagebox("run", "--dry-run")
        self.assertEqual((planned.returncode, planned.stdout, planned.stderr), (0, "make\n", ""))
        refused = self.run_stagebox("run", "--dry-run", "--secret", "TOKNE=env:GIVEN")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("no stage declares it", refused.stderr)

    def test_a_policy_that_has_the_value_itself_does_not_show_it(self):
        self.pipeline("  make: {secrets: [TOKEN], run: 'true'}\n")
        policy = self.dir / "policy.yaml"
        policy.write_text(f"stagebox-policy: 1\nsecrets: {{TOKEN: {json.dumps(VALUE)}}}\n")
        result = self.run_stagebox("run", "--policy", policy)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("a secret must be a mapping that says where it is", result.stderr)
        self.assertNotIn(VALUE, result.stderr)

    def test_the_place_of_a_variable_that_a_policy_names_is_told(self):
        self.pipeline("  make: {secrets: [TOKEN], run: 'true'}\n")
        policy = self.dir / "policy.yaml"
        policy.write_text("stagebox-policy: 1\nsecrets: {TOKEN: {env: NOT_SET}}\n")
        result = self.run_stagebox("run", "--policy", policy)
        self.assertEqual(result.returncode, 2)
        self.assertIn(f"the secret TOKEN: the variable NOT_SET, named in {policy}:2:24, is not set", result.stderr)

    def test_a_name_that_may_be_the_secret_comes_back_as_those_that_are_known(self):
        self.pipeline("  make: {secrets: [TOKEN], run: 'true'}\n")
        asked = self.run_stagebox("exec", "--image", "bb.tar", "--secret", "TOKNE", "--", "true")
        self.assertIn("the policy has no secret of that name: it has none", asked.stderr)
        self.assertEqual(self.run_stagebox("run", "--secret", "TOKEN=env:GIVEN").returncode, 0)
        asked = self.run_stagebox("shell", "last", "make", "--secret", "TOKNE=env:GIVEN", "--", "true")
        self.assertEqual(asked.returncode, 125)
        self.assertIn("the stage declares no secret of that name; did you mean `TOKEN`?", asked.stderr)

    def test_exec_and_shell_show_no_value_that_was_given_for_a_name(self):
        for given in (VALUE, f"{VALUE}=x", f"TOKEN=env:{VALUE}", f"TOKEN={VALUE}"):
            with self.subTest(given):
                result = self.run_stagebox("exec", "--image", "bb.tar", "--secret", given, "--", "true")
                self.assertEqual(result.returncode, 125, result.stderr)
                self.assertNotIn(VALUE, result.stderr)

    def test_a_stage_that_declares_none_does_not_show_it_either(self):
        self.pipeline("""
  pack: {secrets: [TOKEN], run: "busybox rev < /run/secrets/TOKEN > out", outputs: {o: out}}
  show: {inputs: {in: {from: pack.o}}, run: "busybox rev in; exit 3"}
""")
        result = self.run_with("--output", "plain")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("***", self.log("show"))
        self.assert_nowhere(result.stdout, result.stderr, self.log("show"))

    def test_nor_does_it_leave_it(self):
        self.pipeline("""
  pack: {secrets: [TOKEN], run: "busybox rev < /run/secrets/TOKEN > out", outputs: {o: out}}
  stores: {inputs: {in: {from: pack.o}}, run: "busybox rev in > out", outputs: {o: out}}
  caches: {inputs: {in: {from: pack.o}}, caches: [{path: c, key: k}], run: "busybox rev in > c/x"}
  fails: {inputs: {in: {from: pack.o}}, run: "busybox rev in > left; exit 3"}
""")
        result = self.run_with("--output", "plain")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(self.states(), {"pack": "succeeded", "stores": "failed", "caches": "succeeded", "fails": "failed"})
        self.assertIn('output "o": the file "out" contains a secret', result.stdout)
        self.assertIn("not saved", result.stdout)
        shell = self.run_stagebox("shell", "last", "fails", "--", "ls")
        self.assertEqual(shell.stdout, "in\n")
        self.assertIn("contains a secret", shell.stderr)
        self.assert_nowhere(result.stdout, result.stderr)

    def test_the_file_that_it_comes_from_is_no_input(self):
        (self.project / "src").mkdir()
        self.write("src/.token", VALUE + "\n")
        self.write("src/code", "code\n")
        for inputs in ("{src: {path: src}}", "{t: {path: src/.token}}"):
            with self.subTest(inputs=inputs):
                self.pipeline("  make: {secrets: [TOKEN], run: 'true'}\n"
                              f"  build: {{inputs: {inputs}, run: 'cat src/.token t'}}\n")
                result = self.run_stagebox("run", "--secret", "TOKEN=file:src/.token", "--output", "plain")
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                self.assertIn("is where the secret TOKEN comes from; exclude it", result.stdout)
                self.assert_nowhere(result.stdout, result.stderr)
        self.pipeline("  make: {secrets: [TOKEN], run: 'true'}\n"
                      "  build: {inputs: {src: {path: src, exclude: [.token]}}, run: 'ls -A src'}\n")
        result = self.run_stagebox("run", "--secret", "TOKEN=file:src/.token")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.log("build"), "code\n")

    def test_it_stands_in_no_command_variable_or_parameter(self):
        value = "0123456789abcdefXYZ"
        self.environment["GIVEN"] = value
        stages = {"the parameter tok contains": "{secrets: [TOKEN], run: 'true'}",
                  "stage make: its command contains": f"{{secrets: [TOKEN], run: [ls, '-x{value}']}}",
                  "stage make: the variable V contains": f"{{secrets: [TOKEN], env: {{V: {value}}}, run: 'true'}}",
                  "stage make: its salt contains": f"{{secrets: [TOKEN], salt: {value}, run: 'true'}}",
                  "stage make: its workdir contains": f"{{secrets: [TOKEN], workdir: a/{value}, run: 'true'}}",
                  "stage make: the path of a summary contains": f"{{secrets: [TOKEN], summary: {value}.md, run: 'true'}}",
                  "stage make: service db: ready: its command contains":
                      f"{{secrets: [TOKEN], run: 'true', services: {{db: {{image: bb, run: [sleep, '9'], ready: {{run: [ls, {value}]}}}}}}}}"}
        for told, stage in stages.items():
            with self.subTest(told=told):
                self.pipeline(f"  make: {stage}\n", head="params: {tok: {default: none}}\n")
                given = value if "parameter" in told else "none"
                result = self.run_with("--param", "tok=" + given)
                self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
                self.assertIn(told + " the secret TOKEN", result.stderr)
                self.assertNotIn(value, result.stdout + result.stderr)
                self.assertFalse([path for path in self.home.rglob("*") if path.is_file() and "layers" not in path.parts
                                  and value.encode() in path.read_bytes()])

    def test_one_variable_may_be_two_of_them(self):
        self.pipeline("  make: {secrets: [A, B], run: 'cat /run/secrets/A /run/secrets/B | wc -c'}\n")
        result = self.run_stagebox("run", "--secret", "A=env:GIVEN", "--secret", "B=env:GIVEN")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.log("make").strip(), str(2 * len(VALUE)))

    def test_a_line_that_ends_with_it_is_there_at_once(self):
        self.pipeline("""
  make: {secrets: [TOKEN], run: "cat /run/secrets/TOKEN; echo; sleep 1; echo error >&2; sleep 1; kill -9 $$"}
""")
        self.assertEqual(self.run_with().returncode, 1)
        self.assertEqual(self.log("make"), "***\nerror\n")

    def test_the_limit_of_the_log_leaves_no_beginning_of_it(self):
        self.pipeline("""
  make:
    secrets: [TOKEN]
    resources: {log: 1KiB}
    run: "printf %01015d 0; cat /run/secrets/TOKEN; sleep 10"
""")
        result = self.run_with()
        self.assertEqual(result.returncode, 1, result.stdout)
        log = self.log("make")
        self.assertIn("resources.log", result.stdout)
        self.assertIn("0***", log)
        self.assertNotIn(VALUE[:4], log + result.stdout)

    def test_a_host_name_is_masked_although_it_is_in_lower_case(self):
        value = "Sk9MixedCaseTok3n"
        self.environment["GIVEN"] = value
        self.pipeline("""
  make: {secrets: [{name: TOKEN, env: T}], network: {allow: ["a.example:1"]}, run: "wget -q http://$T.example.com/; exit 1"}
""")
        result = self.run_with("--output", "json")
        network = (self.home / "logs" / json.loads(self.run_stagebox("show", "last", "--json").stdout)["run"] / "make.network.jsonl").read_text()
        self.assertIn("***.example.com", network)
        self.assertNotIn(value.lower(), (result.stdout + network).lower())

    def test_a_host_that_was_not_reached_is_masked(self):
        value = "sk9lowercasetok3n"
        self.environment["GIVEN"] = value
        self.pipeline("""
  make: {secrets: [{name: TOKEN, env: T}], network: {allow: ["*.x.invalid:80"]}, run: "wget -q http://$T.x.invalid/"}
""")
        told = self.run_with()
        self.assertEqual(told.returncode, 1, told.stdout)
        self.assertIn("network: could not be reached: ***.x.invalid:80 (", told.stdout)
        shown = self.run_stagebox("show", "last", "make")
        self.assertIn("failed    ***.x.invalid:80 (", shown.stdout)
        self.assertNotIn(value, told.stdout + told.stderr + shown.stdout)

    def test_secrets_of_the_policy(self):
        (self.dir / "value").write_text(VALUE + "\n")
        policy = self.dir / "policy.yaml"
        policy.write_text(f"stagebox-policy: 1\nsecrets: {{TOKEN: {{file: '{self.dir}/value'}}}}\n")
        policy.chmod(0o644)
        self.pipeline("  make: {secrets: [TOKEN], run: 'wc -c < /run/secrets/TOKEN; cat /run/secrets/TOKEN'}\n")
        result = self.run_stagebox("run", "--policy", policy)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.log("make"), "17\n***\n")
        self.pipeline("  make: {secrets: [OTHER], run: 'true'}\n")
        result = self.run_stagebox("run", "--policy", policy, "--secret", "OTHER=env:GIVEN")
        self.assertEqual(result.returncode, 2)
        self.assertIn("the secret `OTHER` is not permitted by the rule secrets", result.stderr)

    def test_a_resumed_run_needs_them_again(self):
        self.pipeline("  make: {secrets: [TOKEN], cache: never, run: 'echo up; sleep 60'}\n")
        run = self.start("run", "--secret", "TOKEN=env:GIVEN")
        self.addCleanup(run.kill)
        while not list(self.home.glob("logs/*/make.log")):
            self.assertIsNone(run.poll())
        for name in ("environ", "cmdline"):
            try:
                shown = pathlib.Path(f"/proc/{run.pid}/{name}").read_bytes()
            except PermissionError:  # An ordinary user cannot read what entered a user namespace of its own.
                continue
            self.assertNotIn(VALUE.encode(), shown)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        self.assert_nowhere()
        self.pipeline("  make: {secrets: [TOKEN], cache: never, run: 'cat /run/secrets/TOKEN'}\n")
        self.assertIn("nobody gave the secret TOKEN", self.run_stagebox("resume", "last").stderr)
        resumed = self.run_stagebox("resume", "last", "--secret", "TOKEN=env:GIVEN")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(self.log("make"), "***")
        self.assert_nowhere(json.dumps(resumed.stdout))


if __name__ == "__main__":
    unittest.main()
