"""How each contender is asked for the same: `true` of the same busybox root file system, as isolated as it can."""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e"))
os.environ.setdefault("STAGEBOX", "unused")
from harness import make_image  # noqa: E402 (needs the path above)

FIRST_ID, IDS = 0x6fff0000, 65536  # as floor.h has them
MASKED = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kallsyms", "/proc/latency_stats",
          "/proc/timer_list", "/proc/interrupts", "/proc/scsi", "/proc/bus", "/proc/irq", "/proc/sysrq-trigger"]
PROFILE = pathlib.Path("/usr/share/containers/seccomp.json")


class Place:
    """A directory with the image, the same as directory trees (as it is; with directories to mount on; owned by the ids
    of a user namespace), a state directory, and what Stagebox says of the machine: where cgroups can be made, and the
    filter that stages get."""

    def __init__(self, build, directory):
        self.build, self.directory = build, directory
        directory.chmod(0o755)
        self.stagebox = str(build / "runtime/cli/stagebox")
        self.stages = str(build / "tests/bench/sandbox/bench_stages")
        self.floor_program = str(build / "tests/bench/sandbox/floor_sandboxes")
        self.archive = str(directory / "bb.tar")
        os.environ["STAGEBOX_HOME"] = str(directory / "home")
        make_image(directory)
        self.layer, self.full, self.owned = (directory / name for name in ("layer", "full", "owned"))
        make_tree(self.layer, 0, ("bin", "etc", "tmp"))  # as it is in the image
        for tree, owner in ((self.full, 0), (self.owned, FIRST_ID)):
            make_tree(tree, owner, ("bin", "etc", "tmp", "proc", "dev", "workspace"))
        self.scratch = directory / "scratch"
        self.scratch.mkdir(mode=0o711)
        self.filter = directory / "filter"
        said = subprocess.run([self.stages, "prepare", self.archive, str(self.filter)], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        self.cgroups = said.split()

    def floor(self, count=1, jobs=1, kind=()):
        groups = [word for group in self.cgroups for word in ("-g", group)]
        return [self.floor_program, *kind, "-l", str(self.layer), "-s", str(self.scratch), "-f", str(self.filter), *groups,
                "-n", str(count), "-j", str(jobs)]

    def podman_store(self, words):
        store = self.directory / "podman"
        store.mkdir(exist_ok=True)
        return ["podman", "--root", str(store / "root"), "--runroot", str(store / "run"), "--cgroup-manager", "cgroupfs",
                "--events-backend", "none", "--runtime", "runc", *words]

    def podman(self, options, command):
        """With its seccomp profile, in cgroups of its own. No user namespace: with a root file system of its own and
        another's ids it would copy all of it."""
        removed = [] if "--detach" in options else ["--rm"]
        return self.podman_store(["run", *removed, "--network", "none", "--cap-drop", "all", "--security-opt", "no-new-privileges",
                                  "--memory", "1g", "--pids-limit", "4096", "--ulimit", "nofile=1024:1024", "--ulimit",
                                  "nproc=4096:4096", *options, "--rootfs", f"{self.full}:O", *command])

    def link_archive(self, folder):
        os.link(self.archive, folder / "bb.tar")

    @staticmethod
    def pipeline(folder, stages):
        (folder / "stagebox.yaml").write_text("stagebox: 1\nname: bench\nimages: {bb: {tarball: bb.tar}}\n"
                                              f"defaults: {{image: bb}}\nstages:\n{stages}", encoding="utf-8")

    def stage_batch(self, count, jobs=1, inputs=()):
        return [self.stages, "run", self.archive, str(count), str(jobs), *inputs]


def make_tree(tree, owner, folders):
    for folder in folders:
        (tree / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin/busybox")
    for applet in ("true", "sh", "yes", "head", "cat", "seq"):
        (tree / "bin" / applet).symlink_to("busybox")
    for path in [tree, *tree.rglob("*")]:
        os.lchown(path, owner, owner)


def bubblewrap(place, seccomp=True):
    """No cgroups, no overlay (Debian 12's has none), no Landlock; the filter is ours."""
    command = ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
               "--ro-bind", str(place.full), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
               "--tmpfs", "/workspace", "--chdir", "/workspace", "--clearenv", "--setenv", "PATH", "/bin"]
    if seccomp:
        # bwrap reads the filter from a descriptor.
        shell = 'exec 9<"$0"; exec "$@"'
        return ["/bin/busybox", "sh", "-c", shell, str(place.filter), *command, "--seccomp", "9", "true"]
    return [*command, "true"]


def podman(place):
    return place.podman(["--log-driver", "none"], ["true"])


def oci_runtime(place, name, seccomp=True):
    """runc and crun: user namespace, all that config.json can say. An overlay is for whoever calls them, and so is
    Landlock: the root file system is mounted read-only instead."""
    bundle = place.directory / f"bundle-{name}{'' if seccomp else '-open'}"
    bundle.mkdir(exist_ok=True)
    (bundle / "config.json").write_text(json.dumps(oci_config(place, name, seccomp)))
    state = place.directory / f"{name}-state"
    return [name, "--root", str(state), "--cgroup-manager=cgroupfs" if name == "crun" else "--systemd-cgroup=false",
            "run", "--bundle", str(bundle), f"bench-{os.getpid()}-{{n}}"]


def hidden_for(name):
    """crun refuses hybrid hosts: there it is shown the v1 hierarchies only."""
    unified = "/sys/fs/cgroup/unified"
    return unified if name == "crun" and os.path.ismount(unified) else None


def oci_config(place, name, seccomp):
    namespaces = [{"type": kind} for kind in ("user", "mount", "pid", "network", "ipc", "uts", "cgroup")]
    ids = [{"containerID": 0, "hostID": FIRST_ID, "size": IDS}]
    linux = {"namespaces": namespaces, "uidMappings": ids, "gidMappings": ids, "maskedPaths": MASKED,
             "readonlyPaths": ["/proc/sys"],
             "resources": {"memory": {"limit": 1 << 30}, "pids": {"limit": 4096}}}
    if seccomp:
        linux["seccomp"] = oci_filter()
    temporary = ["nosuid", "nodev"]
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [*temporary, "size=64m"]},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmp", "options": temporary},
        {"destination": "/workspace", "type": "tmpfs", "source": "workspace", "options": temporary}]
    return {"ociVersion": "1.0.2", "hostname": "stage", "mounts": mounts, "linux": linux,
            "root": {"path": str(place.owned), "readonly": True},
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["true"], "env": ["PATH=/bin"],
                        "cwd": "/workspace", "noNewPrivileges": True,
                        "capabilities": {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable")},
                        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}]}}


def oci_filter():
    """podman's profile, for a process without capabilities on this machine: in the words of config.json."""
    profile = json.loads(PROFILE.read_text(encoding="utf-8"))
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    rules = []
    for rule in profile["syscalls"]:
        only, never = rule.get("includes") or {}, rule.get("excludes") or {}
        if only.get("caps") or machine in (never.get("arches") or []):
            continue
        if only.get("arches") and machine not in only["arches"]:
            continue
        kept = {key: rule[key] for key in ("names", "action", "args", "errnoRet") if rule.get(key) is not None}
        if rule.get("args"):
            kept["args"] = [{key: argument[key] for key in ("index", "value", "valueTwo", "op") if key in argument}
                            for argument in rule["args"]]
        rules.append(kept)
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
            "architectures": ["SCMP_ARCH_" + platform.machine().upper()], "syscalls": rules}


def versions():
    found = {}
    for name in ("bwrap", "crun", "runc", "podman"):
        asked = subprocess.run([name, "--version"], text=True, capture_output=True, check=False)
        found[name] = asked.stdout.splitlines()[0] if asked.stdout else "missing"
    return found
