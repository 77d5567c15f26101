"""What the end-to-end tests share: a project directory with a busybox image, a private state directory, and a way to
see whether anything was left behind."""

import io
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

import leftover

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lib"))
STAGEBOX = os.environ["STAGEBOX"]
# What changed within this time before a run is not trusted, and makes no memo of it: seconds.
RACY = 2.1
# A shell without job control starts what runs in the background with these ignored; Stagebox would ignore them, too.
for ignorable in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(ignorable) == signal.SIG_IGN:
        signal.signal(ignorable, signal.SIG_DFL)
APPLETS = ("sh cat echo ls id sleep true false mkdir cp rm touch wc test grep ln mkfifo head tr env ps kill setsid nc "
           "dd chmod find hostname yes wget").split()


def make_image(directory, name="bb.tar", *options, links=(), files=()):
    """An OCI archive with nothing but busybox, and these pairs of a path and where it leads, and of a path and a
    text; options are those of scripts/lib/oci_image.py."""
    rootfs = pathlib.Path(directory) / "rootfs.tar"
    with tarfile.open(rootfs, "w") as tar:
        for folder in ("bin", "etc", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add("/bin/busybox", "bin/busybox", filter=owned_by_root)
        for path, target in [*(("bin/" + applet, "busybox") for applet in APPLETS), *links]:
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
        for path, text in files:
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    subprocess.run([sys.executable, ROOT / "scripts/lib/oci_image.py", *options, "bb", rootfs,
                    pathlib.Path(directory) / name], check=True, stdout=subprocess.DEVNULL)
    rootfs.unlink()


def make_directory():
    """A private one. Not by mkdtemp: buildah takes a path for an image's name, which may not have "_" everywhere."""
    path = pathlib.Path(tempfile.gettempdir()) / f"stagebox-e2e.{secrets.token_hex(6)}"
    path.mkdir(mode=0o700)
    return path


def children(pid, name=None):
    """Of the process's first thread; those whose name this is."""
    try:
        found = [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [child for child in found if name in (None, pathlib.Path(f"/proc/{child}/comm").read_text().strip())]
    except OSError:  # one of them is gone
        return []


def owned_by_root(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


@unittest.skipUnless(os.path.exists("/bin/busybox"), "no /bin/busybox (package busybox-static)")
class ProjectTest(unittest.TestCase):
    def setUp(self):
        self.dir = make_directory()
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.home = self.dir / "home"
        self.project = self.dir / "project"
        self.project.mkdir()
        make_image(self.project)
        self.environment = dict(os.environ, STAGEBOX_HOME=str(self.home))
        self.started = set()

    def write(self, name, text):
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def pipeline(self, stages, head="", images=""):
        self.write("stagebox.yaml", f"stagebox: 1\nname: e2e\nimages: {{bb: {{tarball: bb.tar}}{images}}}\n"
                   "defaults: {image: bb, timeout: 1m}\n" + head + "stages:\n" + stages)

    def start(self, *arguments, text=True, **options):
        process = subprocess.Popen([STAGEBOX, *map(str, arguments)], cwd=self.project, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text, **options)
        self.started.add(process.pid)
        return process

    def wait_for_log(self, name, text):
        """Of a stage that runs, or of a service."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for path in (self.home / "logs").glob(f"*/{name}.log"):
                if text.encode() in path.read_bytes():
                    return
            time.sleep(0.05)
        self.fail(f"{name}.log never said {text}")

    def run_stagebox(self, *arguments, text=True):
        """With text=False its output is bytes."""
        process = self.start(*arguments, text=text)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def run_it(self, status, *arguments):
        """A run that ends with this status; what it wrote."""
        result = self.run_stagebox("run", *arguments)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stdout

    def run_ok(self, *arguments):
        return self.run_it(0, *arguments)

    def runs(self):
        """The rows of `runs`, newest first."""
        return json.loads(self.run_stagebox("runs", "--json").stdout)

    def details(self, run="last"):
        shown = self.run_stagebox("show", run, "--json")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        return json.loads(shown.stdout)

    def states(self, run="last"):
        return {stage["stage"]: stage["state"] for stage in self.details(run)["stages"]}

    def digests(self, run="last"):
        """Of its outputs, by STAGE.OUTPUT."""
        return {f'{row["stage"]}.{row["name"]}': row["digest"] for row in self.details(run)["outputs"]}

    def kill_worker(self, process):
        """The first that is seen: its server's child's child."""
        while process.poll() is None:
            for worker in (worker for helper in children(process.pid) for parent in children(helper, "stagebox-work")
                           for worker in children(parent, "stagebox-work")):
                os.kill(worker, signal.SIGKILL)
                return
        self.fail(f"no worker was seen: {process.communicate()}")

    def finish_broken(self, run, undisturbed):
        """Resumes a run that broke off; what had finished is not done again, and all outputs are those of an undisturbed one.
        Returns the stages that had finished."""
        broken = self.details(run)
        finished = {row["stage"] for row in broken["stages"] if row["state"] == "succeeded"}
        result = self.run_stagebox("resume", run)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.digests(run), undisturbed)
        # Of a run that had ended all but for its process everything stays as it is.
        kept = "succeeded" if broken["state"] == "succeeded" else "cached"
        self.assertEqual({stage for stage, state in self.states(run).items() if state == kept}, finished)
        return finished

    def leftovers(self):
        """Processes, cgroups, mounts, scratch directories and half-written content of this test's state directory."""
        left = [str(path) for place in ("sandboxes/*", "cas/tmp/*", "cas/trees/.new-*") for path in self.home.glob(place)]
        left += [str(path) for path in (self.home / "instances").glob("*") if path.name != ".lock"]
        left += [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(self.dir) in line]
        left += [f"process {process}" for process in leftover.processes(self.started)]
        return left + [path for path in leftover.cgroups() if path not in self.cgroups_before]

    def run(self, result=None):
        with leftover.alone():
            leftover.adopt_orphans()
            self.cgroups_before = set(leftover.cgroups())
            return super().run(result)
