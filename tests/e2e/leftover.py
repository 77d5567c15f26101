"""Finds what a dead Stagebox left: its processes, which become children of the test, and its cgroups."""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
# in_role's directory, which holds all that was started from here.
OWN_CGROUP = "stagebox-delegated-"
# A killed process needs an instant to be gone.
GONE_WITHIN = 10


def adopt_orphans():
    """Whoever loses its parent below us becomes our child, whatever it does (prctl(2))."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def processes(known):
    """What still lives below this process and was not started by it: `known` are the ids that it waits for itself."""
    deadline = time.monotonic() + GONE_WITHIN
    while (left := descendants(known)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [f"{pid} ({name})" for pid, name in left.items()]


def descendants(known):
    family, names = {os.getpid()}, {}
    everyone = [entry for entry in map(status, pathlib.Path("/proc").glob("[0-9]*")) if entry]
    before = 0
    while before != len(family):
        before = len(family)
        family |= {pid for pid, parent, _, _ in everyone if parent in family}
    for pid, parent, name, dead in everyone:
        if pid not in family or pid == os.getpid() or pid in known:
            continue
        if dead and parent == os.getpid():
            os.waitpid(pid, 0)
        elif not dead:
            names[pid] = name
    return names


def status(directory):
    """(process, its parent, its name, whether it is dead), or None when it is gone."""
    try:
        name, rest = (directory / "stat").read_text(errors="replace").split("(", 1)[1].rsplit(")", 1)
    except OSError:
        return None
    state, parent = rest.split()[:2]
    return int(directory.name), int(parent), name, state in "ZX"


def own_cgroup():
    """The name of the cgroup that in_role made for this test; None when there is none."""
    parts = pathlib.Path("/proc/self/cgroup").read_text().replace("\n", "/").split("/")
    return next((part for part in parts if part.startswith(OWN_CGROUP)), None)


def cgroups():
    """The cgroups of Stagebox: those below this test's own, or else all of the machine."""
    own, found = own_cgroup(), []
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        # Another test's are below that test's own.
        if (OWN_CGROUP not in folder) if own is None else (f"/{own}" in folder):
            found += [os.path.join(folder, name) for name in names if name.startswith("stagebox-")]
    return found


@contextlib.contextmanager
def alone():
    """Without a cgroup of its own a test must not see what others make: one at a time."""
    if own_cgroup() is not None:
        yield
        return
    with open(os.path.join(tempfile.gettempdir(), f"stagebox-e2e.{os.getuid()}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
