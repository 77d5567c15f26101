"""Test reports: read whatever a stage does to them, shown, kept, and compared with those of earlier runs."""

import http.server
import json
import threading
import unittest

from harness import ProjectTest

# A test runner: "name verdict" lines of a file become a JUnit report; it exits with 1 when one failed.
RUNNER = r"""
    mkdir -p r
    {
      echo '<testsuite name="s">'
      while read -r name verdict; do
        echo "<testcase classname='net' name='$name' time='0.01'>"
        [ "$verdict" != bad ] || echo "<failure message='$name is broken&#10;a &lt; b'>detail of $name</failure>"
        [ "$verdict" != off ] || echo "<skipped message='not here'/>"
        echo '</testcase>'
      done < src
      echo '</testsuite>'
    } > r/out.xml
    ! grep -q bad src
"""


class Verdicts:
    """A server that answers each request with the next of these words: what a stage cannot know beforehand, so that its
    attempts end differently under one stage key."""

    def __init__(self, *words):
        left = list(words)

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(left.pop(0).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class TestsTest(ProjectTest):
    def cases(self, text, more=""):
        """A pipeline whose stage `t` has these test cases."""
        self.write("src", text)
        script = RUNNER.replace("\n", "\n  ")
        self.pipeline(f"  t:\n    inputs: {{src: {{path: src}}}}\n    run: |{script}\n"
                      f"    tests: [{{junit: \"r/*.xml\"}}]\n{more}")

    def listing(self, *options):
        shown = self.run_stagebox("tests", "last", *options)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        return shown.stdout

    def told(self, *options):
        return json.loads(self.listing("--json", *options))["stages"][0]

    def names(self, *options):
        return [case["name"] for case in self.told(*options)["cases"]]

    def test_failures_are_told_with_their_message(self):
        self.cases("a good\nb bad\nc off\n")
        out = self.run_it(1)
        self.assertRegex(out, r"t +FAILED .*exited with status 1; 1 of 3 tests failed")
        self.assertIn("    tests: 1 passed, 1 failed, 1 skipped\n", out)
        end = out[out.index("\nt: exited"):]
        self.assertIn("    FAILED net.b (0.01s)\n      b is broken\n      a < b\n", end)
        self.assertRegex(end, r"all its tests: +stagebox tests \w+ t\n")
        self.assertIn("FAILED net.b", self.listing("t"))
        told = self.told()
        self.assertEqual([told[key] for key in ("attempt", "cached", "passed", "failed", "skipped")],
                         [1, False, 1, 1, 1])
        self.assertEqual(told["cases"][1]["detail"], "detail of b")
        self.assertEqual(self.names("--failed"), ["b"])
        self.assertNotIn("detail of b", self.listing("--failed"))
        self.assertRegex(self.listing("--slowest", "2"), r"0.01s +passed +net.a\n +0.01s +failed +net.b\n")
        for wrong in (("other",), ("--slowest", "0")):
            self.assertEqual(self.run_stagebox("tests", "last", *wrong).returncode, 2)
        self.assertEqual(self.leftovers(), [])

    def test_details_stand_below_what_failed(self):
        self.write("out.xml", """<testsuite name="s"><testcase classname="net" name="a"/>
<testcase classname="net" name="b" time="0.01"><failure message="b is broken">at one
\tat #x1B[31mtwo#x1B[0m &#x202e;
</failure></testcase><testcase classname="net" name="c"><failure message="no more to say"/></testcase></testsuite>""")
        self.pipeline("  t: {inputs: {in.xml: {path: out.xml}}, run: 'cp in.xml out.xml; exit 1', tests: [{junit: out.xml}]}\n")
        self.run_it(1)
        failed = "  FAILED net.b (0.01s)\n    b is broken\n      at one\n      \tat two \\u{202e}\n  FAILED net.c\n    no more to say\n"
        for options in (("--details",), ("--failed", "--details")):
            self.assertEqual(self.listing(*options), "t: 1 passed, 2 failed\n" + failed)
        slowest = self.listing("--slowest", "3", "--details").splitlines()
        self.assertRegex(slowest[1], "failed +net.b$")
        self.assertEqual(slowest[2], "      at one")
        self.assertEqual(self.run_stagebox("tests", "last", "--flaky", "--details").returncode, 2)

    def test_failures_of_a_stage_that_goes_on_are_told_too(self):
        """Maven's testFailureIgnore; a failure that is allowed."""
        self.cases("a good\n" + "".join(f"b{i} bad\n" for i in range(12)))
        pipeline = (self.project / "stagebox.yaml").read_text()
        for change, code, word in (("! grep -q bad src", "! grep -q bad src; true", "ok"),
                                   ("  t:\n", "  t:\n    allow_failure: true\n", r"failed \(allowed\)")):
            self.write("stagebox.yaml", pipeline.replace(change, code))
            out = self.run_it(0)
            self.assertRegex(out, rf"t +{word} ")
            self.assertIn("    tests: 1 passed, 12 failed\n    FAILED net.b0 (0.01s)\n      b0 is broken\n      a < b\n", out)
            self.assertIn("    FAILED net.b9 (0.01s)\n", out)
            self.assertIn("    and 2 more failed tests\n", out)

    def test_a_hit_has_the_results_too(self):
        self.cases("a good\n")
        self.run_it(0)
        self.assertIn("cached", self.run_it(0))
        self.assertIn("t: 1 passed (taken from the stage cache)\n", self.listing())
        self.assertEqual(self.names(), ["a"])
        self.assertEqual(self.run_stagebox("gc", "--keep-runs", "1").returncode, 0)
        self.assertEqual(self.names(), ["a"])

    def test_what_is_declared_must_be_there(self):
        self.pipeline("  t: {run: \"true\", tests: [{junit: r.xml}]}\n")
        self.assertIn("the test report (junit r.xml) is missing", self.run_it(1))
        self.pipeline("  t: {run: \"true\", tests: [{junit: r.xml, required: false}]}\n")
        self.run_it(0)
        self.pipeline("  t: {run: \"exit 7\", tests: [{junit: r.xml}]}\n")
        self.assertRegex(self.run_it(1), r"FAILED .*exited with status 7\n")

    def test_reports_that_are_none(self):
        lies = {
            "echo '<testsuite><testcase name=\"a\"/>' > r.xml": "is not whole: line ",
            "echo '<!DOCTYPE x [<!ENTITY e SYSTEM \"/etc/passwd\">]><testsuite>&e;</testsuite>' > r.xml":
                "a DOCTYPE with declarations",
            "{ echo '<!DOCTYPE x [<!ENTITY a \"ha\">'; for i in 1 2 3 4 5 6 7 8 9; do echo \"<!ENTITY a$i '&a;&a;&a;'>\"; done; "
            "echo ']><testsuite>&a9;</testsuite>'; } > r.xml": "a DOCTYPE with declarations",
            "busybox yes '<a>' | busybox head -n 999999 > r.xml": "is a <a>",
            "{ echo '<testsuite>'; busybox yes '<a>' | busybox head -n 999999; } > r.xml": "nested deeper than 64",
            "printf '\\xff\\xfe<\\0t\\0' > r.xml": "is not whole",
            "busybox head -c 65536 /dev/urandom > r.xml": "is not whole",
            "ln -s /etc/passwd r.xml": "reports are not followed",
            "mkfifo r.xml": "is no regular file",
            "mkdir r.xml": "is no regular file",
            "dd if=/dev/zero of=r.xml bs=1048576 count=65 2>/dev/null": "one may have at most 64 MiB",
            "printf '1..2\\\\nok 1\\\\n' > r.tap; echo '<testsuite/>' > r.xml": "says 2 tests, but there are 1",
            "printf '1..2\\\\nok 1 - a\\\\nok 7 - b\\\\n' > r.tap; echo '<testsuite/>' > r.xml": "says 2 tests, but there is a test 7",
            "printf '1..2\\\\nok 1 - a\\\\nok 1 - a\\\\n' > r.tap; echo '<testsuite/>' > r.xml": "there is a second test 1",
            "echo '<testsuite tests=\"5\"/>' > r.xml": "it says that there are 5 tests, and lists none",
        }
        for script, said in lies.items():
            self.pipeline("  t:\n    run: |\n      " + script.replace("\\\\", "\\") +
                          "\n    tests: [{junit: r.xml}, {tap: r.tap, required: false}]\n")
            self.assertIn(said, self.run_it(1), script)
        self.assertEqual(self.leftovers(), [])

    def test_a_report_without_a_case_says_so(self):
        self.pipeline("  t: {run: echo '<testsuites/>' > r.xml, tests: [{junit: r.xml}]}\n")
        self.assertIn("    tests: no test cases\n", self.run_it(0))
        self.assertEqual(self.listing(), "t: no test cases\n")
        self.assertIn("    tests: no test cases\n", self.run_stagebox("show", "last").stdout)

    def test_dialects(self):
        """What six test runners write, in one stage."""
        reports = {
            "pytest.xml": """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest">
                <testcase classname="test_a.TestA" name="test_one[x-1]" time="0.001"/>
                <testcase classname="test_a" name="test_two"><failure message="AssertionError: assert 1 == 2">def</failure></testcase>
                </testsuite></testsuites>""",
            "gtest.xml": """<testsuites tests="2" name="AllTests"><testsuite name="Sum">
                <testcase name="Adds" status="run" result="completed" time="0.5" classname="Sum"/>
                <testcase name="Later" status="notrun" result="suppressed" time="0." classname="Sum"/></testsuite></testsuites>""",
            "surefire.xml": """<testsuite name="com.x.YTest"><testcase name="shaky" classname="com.x.YTest" time="1,001.5">
                <flakyFailure message="once" type="E"/></testcase></testsuite>""",
            "jest.xml": """<testsuites name="jest tests"><testsuite name="math"><testcase classname="adds 1" name="adds 1"/>
                </testsuite></testsuites>""",
            "go.xml": """<testsuites><testsuite name="example.com/p"><testcase classname="example.com/p" name="TestGo" time="0.1">
                <skipped message="short"/></testcase></testsuite></testsuites>""",
            "ctest.xml": """<testsuite name="Linux-c++"><testcase name="unit" classname="unit" status="fail">
                <failure message="Failed"/><system-out>boom \xff here</system-out></testcase></testsuite>""",
            "new.tap": "TAP version 14\n1..2\n# Subtest: deep\n    1..1\n    ok 1 - in\nok 1 - deep\nnot ok 2 - later # TODO some day\n",
        }
        for name, text in reports.items():
            self.write("given/" + name, "").write_bytes(text.encode("latin-1"))
        self.pipeline("""
  t:
    inputs: {given: {path: given}}
    run: |
      mkdir r
      cp given/* r/
      exit 1
    tests: [{junit: "r/*.xml"}, {tap: "r/*.tap"}]
""")
        self.run_it(1, "--events", "events", "--report", "html")
        cases = {(case["suite"], case["name"]): case for case in self.told()["cases"]}
        self.assertEqual({name: case["status"] for name, case in cases.items()}, {
            ("test_a.TestA", "test_one[x-1]"): "passed", ("test_a", "test_two"): "failed",
            ("Sum", "Adds"): "passed", ("Sum", "Later"): "skipped", ("com.x.YTest", "shaky"): "passed",
            ("", "adds 1"): "passed", ("example.com/p", "TestGo"): "skipped", ("", "unit"): "failed",
            ("r/new.tap > deep", "in"): "passed", ("r/new.tap", "later"): "skipped"})
        self.assertEqual(cases[("com.x.YTest", "shaky")]["took_us"], 1001500000)
        self.assertIn("boom \ufffd here", cases[("", "unit")]["detail"])
        self.assertEqual([case["name"] for case in self.told()["flaky"]], ["shaky"])
        counts = {"passed": 5, "failed": 2, "skipped": 3}
        shown = json.loads(self.run_stagebox("show", "last", "--json").stdout)
        self.assertEqual(shown["stages"][0]["tests"], counts)
        self.assertIn("tests: 5 passed, 2 failed, 3 skipped\n", self.run_stagebox("show", "last").stdout)
        events = [json.loads(line) for line in (self.project / "events").read_text().splitlines()]
        told = [event["tests"] for event in events if "tests" in event][-1]
        self.assertEqual({key: told[key] for key in counts}, counts)
        self.assertEqual([case["name"] for case in told["failed_cases"]], ["unit", "test_two"])
        page = (self.project / "html/index.html").read_text()
        self.assertIn('"message":"AssertionError: assert 1 == 2"', page)

    def test_flaky_tests_across_retries(self):
        verdicts = Verdicts("not ok", "ok")
        self.addCleanup(verdicts.close)
        self.pipeline(f"""
  t:
    network: {{allow: ["127.0.0.1:{verdicts.port}"]}}
    run: |
      v=$(no_proxy= wget -q -O - http://127.0.0.1:{verdicts.port}/)
      {{ echo 1..2; echo "ok 1 - steady"; echo "$v 2 - shaky"; echo "# too early"; }} > out.tap
      [ "$v" = ok ]
    tests: [{{tap: out.tap}}]
    retry: {{attempts: 2, backoff: 1ms, on: [tests]}}
""")
        out = self.run_it(0)
        self.assertRegex(out, r"retrying .*exited with status 1; 1 of 2 tests failed; next in .*\n"
                              r"    log: .*\n    tests: 1 passed, 1 failed\n    FAILED shaky\n      too early\n")
        self.assertNotIn("failed tests of", out)
        self.assertEqual(self.listing(), "t: 2 passed (attempt 2)\n"
                         "  FLAKY shaky: failed in 1 attempt, passed on attempt 2\n    too early\n")
        self.assertEqual(self.listing("--failed"), "t: 2 passed (attempt 2)\n")
        flaky = self.told()["flaky"]
        self.assertEqual([case["name"] for case in flaky], ["shaky"])
        self.assertEqual(flaky[0]["passed"], 1)
        self.assertEqual(flaky[0]["failed"], 1)
        self.assertRegex(self.listing("--flaky"), r"FLAKY shaky: failed 1 of 2 times .*\n +too early\n")

    def test_how_often_is_counted_for_one_stage_key(self):
        verdicts = Verdicts("not ok", "ok", "not ok", "not ok", "ok")
        self.addCleanup(verdicts.close)
        for change in ("one", "two"):
            self.pipeline(f"""
  t:
    network: {{allow: ["127.0.0.1:{verdicts.port}"]}}
    run: |
      : {change}
      v=$(no_proxy= wget -q -O - http://127.0.0.1:{verdicts.port}/)
      {{ echo 1..1; echo "$v 1 - shaky"; }} > out.tap
      [ "$v" = ok ]
    tests: [{{tap: out.tap}}]
    retry: {{attempts: 3, backoff: 1ms, on: [tests]}}
""")
            self.run_it(0)
        newest = json.loads(self.run_stagebox("show", "last", "--json").stdout)["run"]
        self.assertIn(f"FLAKY shaky: failed 2 of 3 times with the same stage key, last in run {newest}\n", self.listing("--flaky"))

    def test_one_test_in_two_projects_keeps_its_history(self):
        def suite(project, inside):
            return (f"<testsuite name='login.spec.ts' hostname='{project}'>"
                    f"<testcase name='logs in' classname='login.spec.ts'>{inside}</testcase></testsuite>")

        suites = [suite("chromium", ""), suite("webkit", "<failure message='no'/>")]
        for order in (suites, suites[::-1]):
            self.write("src", "<testsuites>" + "".join(order) + "</testsuites>")
            self.pipeline("  t: {inputs: {src: {path: src}}, run: cp src r.xml; exit 1, tests: [{junit: r.xml}]}\n")
            self.run_it(1)
        self.assertEqual(self.names("--new") + self.names("--fixed"), [])
        self.assertIn("FAILED webkit > login.spec.ts.logs in\n", self.listing())

    def test_no_retry_without_a_failed_test(self):
        self.pipeline("  t: {run: \"exit 1\", tests: [{tap: x, required: false}], "
                      "retry: {attempts: 3, backoff: 1ms, on: [tests]}}\n")
        self.assertNotIn("retrying", self.run_it(1))

    def test_new_and_fixed(self):
        self.cases("a good\nb bad\n")
        self.run_it(1)
        self.cases("a bad\nb bad\n")
        self.run_it(1)
        self.assertEqual(self.names("--new"), ["a"])
        self.assertIn("FAILED net.a", self.listing("--new"))
        self.assertNotIn("net.b", self.listing("--new"))
        self.assertIn("\n  no fixed tests\n", self.listing("--fixed"))
        self.assertIn("\n  no flaky tests\n", self.listing("--flaky"))
        self.cases("a good\nb bad\nc good\n")
        self.run_it(1)
        self.assertEqual(self.names("--fixed"), ["a"])
        self.assertEqual(self.names("--new"), [])
        self.assertIn("\n  no new failures\n", self.listing("--new"))

    def test_quarantine(self):
        self.cases("a good\nb bad\n", "    quarantine: [\"net.b\"]\n    outputs: {o: r/out.xml}\n")
        for _ in range(2):
            out = self.run_it(0)
            self.assertRegex(out, r"t +ok .*exited with status 1; only quarantined tests failed")
            self.assertIn("1 failed (1 of them in quarantine)\n    QUARANTINED net.b (0.01s)\n      b is broken\n", out)
            self.assertNotIn("cached", out, "what passed by quarantine is not kept for other runs")
        listing = self.listing()
        self.assertIn("t: 1 passed, 1 failed (1 of them in quarantine)\n", listing)
        self.assertIn("  QUARANTINED net.b", listing)
        self.assertNotIn("FAILED", listing)
        self.assertIn("tests: 1 passed, 1 failed (1 of them in quarantine)\n", self.run_stagebox("show", "last").stdout)
        (shown,) = json.loads(self.run_stagebox("show", "last", "--json").stdout)["stages"]
        self.assertEqual(shown["tests"], {"passed": 1, "failed": 1, "skipped": 0, "quarantined": 1})
        self.cases("a bad\nb bad\n", "    quarantine: [\"net.b\"]\n")
        out = self.run_it(1, "--events", "events", "--report", "html")
        self.assertIn("FAILED net.a", out)
        self.assertIn("    QUARANTINED net.b (0.01s)\n", out[out.index("\nt: exited"):])
        events = [json.loads(line) for line in (self.project / "events").read_text().splitlines()]
        (told,) = [event["tests"] for event in events if "tests" in event]
        self.assertEqual([case["name"] for case in told["failed_cases"]], ["a"])
        self.assertEqual(told["quarantined_cases"],
                         [{"suite": "net", "name": "b", "message": "b is broken\na < b"}])
        self.assertIn('"detail":"detail of b"', (self.project / "html/index.html").read_text())
        self.assertNotIn("FAILED net.b", out)
        listing = self.listing()
        self.assertIn("t: 0 passed, 2 failed (1 of them in quarantine)\n", listing)
        self.assertIn("  FAILED net.a", listing)
        self.assertIn("  QUARANTINED net.b", listing)
        stage = self.told()
        self.assertEqual(stage["quarantined"], 1)
        self.assertEqual({case["name"]: case["quarantined"] for case in stage["cases"]}, {"a": False, "b": True})

    def test_quarantine_that_names_no_case_is_told_once(self):
        warning = "    quarantine: `net.gone*` matches no test case\n"
        self.cases("a good\n", "    quarantine: [\"net.a\", \"net.gone*\"]\n")
        out = self.run_it(0, "--events", "events")
        self.assertIn("    tests: 1 passed\n" + warning, out)
        events = [json.loads(line) for line in (self.project / "events").read_text().splitlines()]
        self.assertEqual([event["tests"]["unmatched_quarantine"] for event in events if "tests" in event], [["net.gone*"]])
        self.assertNotIn("quarantine", self.run_it(0), "it was taken from the stage cache")
        self.cases("a bad\n", "    quarantine: [\"net.gone*\"]\n    retry: {attempts: 2, backoff: 1ms, on: [tests]}\n")
        self.assertEqual(self.run_it(1).count(warning), 1, "not of each attempt")
        self.cases("", "    quarantine: [\"net.gone*\"]\n")
        self.assertNotIn("quarantine", self.run_it(0), "no tests ran")

    def test_history_of_others_is_not_believed(self):
        self.cases("a good\n")
        self.run_it(0)
        self.cases("a bad\n")
        self.run_it(1, "--domain", "pr-1")
        self.assertEqual(self.names("--new"), ["a"])
        self.cases("a bad\nb good\n")
        self.run_it(1)
        self.assertEqual(self.names("--new"), ["a"], "the untrusted failure is not known to a trusted run")
        self.cases("a bad\nb good\nc good\n")
        self.run_it(1, "--domain", "pr-1")
        self.assertEqual(self.names("--new"), [], "but an untrusted run knows its own and the trusted ones")

    def test_secrets_are_masked(self):
        self.pipeline(r"""
  t:
    secrets: [TOKEN]
    run: |
      s=$(busybox sed 's/</\&lt;/' /run/secrets/TOKEN)
      echo "<testsuite><testcase name='n $s'><failure message='got $s'>and &#97;$(echo $s | busybox tail -c +2)</failure>" > r.xml
      echo "</testcase></testsuite>" >> r.xml
      exit 1
    tests: [{junit: r.xml}]
""")
        self.environment["GIVEN"] = value = "a<bcdefgh"
        out = self.run_it(1, "--secret", "TOKEN=env:GIVEN")
        self.assertIn("got ***", out)
        told = self.told()["cases"][0]
        self.assertEqual([told["name"], told["message"], told["detail"]], ["n ***", "got ***", "and ***"])
        for path in self.home.rglob("*"):
            if path.is_file() and "layers" not in path.parts:
                data = path.read_bytes()
                self.assertFalse(value.encode() in data or value.replace("<", "&lt;").encode() in data, path)

    def test_a_resumed_run_keeps_its_results(self):
        self.cases("a good\n", "  after: {needs: [t], run: \"test -e /nowhere\"}\n")
        self.run_it(1)
        self.assertEqual(self.run_stagebox("resume", "last").returncode, 1)
        self.assertEqual(self.names(), ["a"])


if __name__ == "__main__":
    unittest.main()
