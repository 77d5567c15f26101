import base64
import hashlib
import os
import pathlib
import signal
import subprocess
import tarfile
import tempfile
import time
import unittest
import zipfile

import support

SCRIPT = support.SCRIPTS / "lib" / "install-wheels"


def make_wheel(directory, name, version, module="", needs=()):
    """Of one module, as the specification of binary distributions has it; its digest."""
    info = f"{name}-{version}.dist-info"
    files = {f"{name}.py": module or f"VERSION = '{version}'\n",
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
                                 + "".join(f"Requires-Dist: {need}\n" for need in needs),
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode() for path, text in files.items()}
    files[f"{info}/RECORD"] = "".join(f"{path},sha256={digests[path]},{len(files[path])}\n" for path in digests) + f"{info}/RECORD,,\n"
    wheel = pathlib.Path(directory) / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@unittest.skipIf(subprocess.run(["/usr/bin/python3", "-m", "pip", "--version"], capture_output=True).returncode, "no pip (package python3-pip)")
class InstallWheels(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.wheels = self.dir / "wheels"
        self.wheels.mkdir()
        self.requirements = self.dir / "requirements.txt"
        self.target = self.dir / "build" / "python"
        # An index is never asked, and no setting of this machine has a say.
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "PIP_CONFIG_FILE": os.devnull,
                            "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_NO_CACHE_DIR": "1"}

    def require(self, *lines):
        self.requirements.write_text("".join(line + "\n" for line in lines))

    def require_wheel(self, name, version, **options):
        self.require(f"{name}=={version} --hash=sha256:{make_wheel(self.wheels, name, version, **options)}")

    def start(self, **environment):
        return subprocess.Popen([SCRIPT, self.requirements, self.target], env=self.environment | environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def install(self, status=0, **environment):
        process = self.start(**environment)
        out = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, status, out)
        self.assertEqual(sorted(path.name for path in self.target.parent.iterdir() if path != self.target), ["python.lock"])
        return out

    def version(self):
        return subprocess.run(["/usr/bin/python3", "-c", "import thing; print(thing.VERSION)"], capture_output=True, text=True, check=True,
                              env={"PYTHONPATH": str(self.target), "PYTHONDONTWRITEBYTECODE": "1"}).stdout.strip()

    def test_what_is_there_is_not_installed_again(self):
        self.require_wheel("thing", "1.0")
        self.install()
        self.assertEqual(self.version(), "1.0")
        for wheel in self.wheels.iterdir():
            wheel.unlink()
        (self.target / "kept").touch()
        self.assertEqual(self.install(), "")
        self.assertTrue((self.target / "kept").exists())

    def test_other_requirements_replace_all_of_it(self):
        self.require_wheel("thing", "1.0")
        self.install()
        (self.target / "left").touch()
        self.require_wheel("thing", "2.0")
        self.install()
        self.assertEqual(self.version(), "2.0")
        self.assertFalse((self.target / "left").exists())

    def test_another_version_of_python_is_another_installation(self):
        self.require_wheel("thing", "1.0")
        self.install()
        stamp = self.target / ".installed-for"
        stamp.write_text(stamp.read_text().replace("cpython-3", "cpython-2"))
        self.assertIn("installing", self.install())

    def test_a_wheel_with_another_digest_is_refused_and_nothing_changes(self):
        self.require_wheel("thing", "1.0")
        self.install()
        make_wheel(self.wheels, "thing", "2.0")
        self.require(f"thing==2.0 --hash=sha256:{'0' * 64}")
        out = self.install(3)
        self.assertIn("DO NOT MATCH THE HASHES", out)
        self.assertIn("pip could not install the Python packages of", out)
        self.assertEqual(self.version(), "1.0")

    def test_what_a_package_needs_has_to_be_named_with_its_digest_too(self):
        make_wheel(self.wheels, "other", "1.0")
        self.require_wheel("thing", "1.0", needs=["other"])
        self.install(3)
        self.assertFalse(self.target.exists())

    def test_a_package_without_a_digest_is_refused(self):
        make_wheel(self.wheels, "thing", "1.0")
        self.require("thing==1.0")
        self.assertIn("Hashes are required", self.install(3))

    def test_nothing_is_built(self):
        ran = self.dir / "ran"
        support.write_tree(self.dir / "source", {"setup.py": f"open({str(ran)!r}, 'w').close()\n", "PKG-INFO": "Name: thing\nVersion: 1.0\n"})
        archive = self.wheels / "thing-1.0.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(self.dir / "source", "thing-1.0")
        self.require(f"thing==1.0 --hash=sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}")
        self.install(3)
        self.assertFalse(ran.exists())

    def test_what_a_killed_one_left_is_removed(self):
        self.require_wheel("thing", "1.0")
        pip = self.dir / "slow"
        support.write_tree(self.dir, {"sitecustomize.py": f"import sys, time\nif 'install' in sys.argv:\n  open({str(pip)!r}, 'w').close()\n  time.sleep(60)\n"})
        process = self.start(PYTHONPATH=str(self.dir))
        deadline = time.monotonic() + 30
        while not pip.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.assertTrue((self.dir / "build" / "python.new").exists(), "it was killed in the middle")
        self.assertFalse(self.target.exists())
        self.install()
        self.assertEqual(self.version(), "1.0")

    def test_two_at_once_install_it_once(self):
        self.require_wheel("thing", "1.0")
        both = [self.start(), self.start()]
        said = [process.communicate(timeout=60)[0] for process in both]
        self.assertEqual([process.returncode for process in both], [0, 0], said)
        self.assertEqual("".join(said).count("installing"), 1, said)
        self.assertEqual(self.version(), "1.0")

    def test_a_developer_s_own_settings_do_not_send_it_elsewhere(self):
        self.require_wheel("thing", "1.0")
        self.install(PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1")
        self.assertEqual(self.version(), "1.0")


if __name__ == "__main__":
    unittest.main()
