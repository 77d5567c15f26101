import pathlib
import subprocess
import sys
import tempfile
import unittest

import support

JUNIT = """<testsuite>
<testcase name="A.runs" status="run"><system-out>ok</system-out></testcase>
<testcase name="B.skips" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
<system-out>[ RUN ] B.skips
x_test.cc:12: Skipped
no cgroup v2 here

[ SKIPPED ] B.skips</system-out></testcase>
</testsuite>"""


class CheckTests(unittest.TestCase):
    def run_check(self, required, *options):
        with tempfile.TemporaryDirectory() as root:
            support.write_tree(root, {"junit.xml": JUNIT, "required": required})
            result = subprocess.run([sys.executable, support.SCRIPTS / "lib/check_tests.py", "--required",
                                     pathlib.Path(root) / "required", *options, pathlib.Path(root) / "junit.xml"],
                                    stdout=subprocess.PIPE, text=True, check=False)
            return result.returncode, result.stdout

    def test_skipped_tests_are_told_with_their_reason(self):
        self.assertEqual(self.run_check("A.*", "--enforce"), (0, "skipped: B.skips: no cgroup v2 here\n"))

    def test_required_test_that_is_skipped_fails(self):
        status, output = self.run_check("# comment\nB.*  # cgroups\n", "--enforce")
        self.assertEqual(status, 1)
        self.assertIn("FAILED: B.skips must not be skipped here ('B.*'): no cgroup v2 here", output)

    def test_it_is_only_said_elsewhere(self):
        status, output = self.run_check("B.*")
        self.assertEqual(status, 0)
        self.assertIn("note: B.skips", output)

    def test_reason_of_a_python_test(self):
        check_tests = support.load("lib/check_tests.py")
        case = check_tests.xml.fromstring("<testcase name='e2e.x' status='notrun'><system-out>test_a (X.test_a) ... "
                                          "skipped 'no busybox'\nOK (skipped=1)</system-out></testcase>")
        self.assertEqual(check_tests.reason_of(case), "no busybox")

    def test_required_test_that_vanished_fails(self):
        self.assertEqual(self.run_check("C.*", "--enforce")[0], 1)
        self.assertEqual(self.run_check("C.*", "--enforce", "--selection")[0], 0)


if __name__ == "__main__":
    unittest.main()
