"""Services of the kind that people have: a PostgreSQL and a Redis of Debian, by the pipeline of docs/examples/services."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import ROOT, ProjectTest

EXAMPLE = ROOT / "docs" / "examples" / "services" / "stagebox.yaml"
PACKAGES = ("postgresql", "redis-server")


def make_service_image(path):
    """Or why there is none."""
    if shutil.which("mmdebstrap") is None:
        return "mmdebstrap is not installed (scripts/setup image)"
    made = subprocess.run([ROOT / "scripts" / "make-image", "--no-setup", "services", path, *PACKAGES],
                          capture_output=True, text=True, check=False)
    return None if made.returncode == 0 else "no image could be made: " + made.stderr[-2000:]


class RealServicesTest(ProjectTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.images = pathlib.Path(tempfile.mkdtemp(prefix="stagebox-images-"))
        cls.addClassCleanup(shutil.rmtree, cls.images, True)
        reason = make_service_image(cls.images / "image.tar")
        if reason:
            raise unittest.SkipTest(reason)

    def setUp(self):
        super().setUp()
        shutil.copy(EXAMPLE, self.project / "stagebox.yaml")
        shutil.copy(self.images / "image.tar", self.project)

    def run_stagebox(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=400)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def test_a_stage_uses_a_database_and_a_cache(self):
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        said = self.run_stagebox("logs", "last", "test").stdout
        self.assertIn("CREATE TABLE", said)
        self.assertEqual(said.count("INSERT 0 1"), 3)
        self.assertIn("database system is ready to accept connections", self.run_stagebox("logs", "last", "test@db").stdout)
        self.assertIn("Ready to accept connections", self.run_stagebox("logs", "last", "test@cache").stdout)
        exported = self.dir / "report"
        self.assertEqual(self.run_stagebox("artifacts", "last", "test.report", exported).returncode, 0)
        self.assertEqual((exported / "database").read_text(), "3\n")
        self.assertEqual(self.leftovers(), [])
        again = self.run_stagebox("run")
        self.assertIn("cached", again.stdout)

    def test_a_database_that_cannot_start_says_why(self):
        text = EXAMPLE.read_text()
        self.assertIn("-c fsync=off", text)
        self.write("stagebox.yaml", text.replace("-c fsync=off", "-c no_such_setting=1"))
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("the service db ended before it was ready: exited with status 1", result.stdout)
        self.assertIn('unrecognized configuration parameter "no_such_setting"', result.stdout)
        self.assertEqual(self.leftovers(), [])


if __name__ == "__main__":
    unittest.main()
