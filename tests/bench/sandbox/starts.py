"""What a sandbox costs from start to end: in a running Stagebox, by a command, and many at once."""

import dataclasses
import functools
import os
import pathlib
import statistics
import time

import measure
import peers

FLOOR, BARE, STAGE = "floor, the same features", "floor, nothing but walls", "a stage in a running Stagebox"
EXEC, BWRAP, BWRAP_OPEN = "stagebox exec", "bubblewrap", "bubblewrap, no filter"
CRUN, RUNC, PODMAN = "crun", "runc", "podman"


@dataclasses.dataclass
class Contender:
    name: str
    command: list
    hidden: str = None  # a mount that it must not see
    milliseconds: list = dataclasses.field(default_factory=list)
    cpu: list = dataclasses.field(default_factory=list)

    def measure(self, number):
        command = [word.replace("{n}", str(number)) for word in self.command]
        used = measure.without(self.hidden, measure.run, command)
        self.milliseconds.append(used.seconds * 1e3)
        self.cpu.append(used.cpu * 1e3)

    def row(self, part):
        return measure.Row(part, self.name, self.milliseconds, "ms", self.cpu)


@dataclasses.dataclass
class Batches:
    """A program that starts many sandboxes and says how long each took."""
    name: str
    command: object  # of (count, jobs)
    milliseconds: list = dataclasses.field(default_factory=list)
    cpu: list = dataclasses.field(default_factory=list)

    def measure(self, count):
        """CPU time is that of `count` sandboxes more: without what the program itself takes to start."""
        one, all_of_them = (measure.run(self.command(many), keep_output=True) for many in (1, count + 1))
        self.milliseconds += sandbox_times(all_of_them.output)[1:]  # the first makes what is then kept
        self.cpu.append((all_of_them.cpu - one.cpu) / count * 1e3)

    def row(self, part):
        return measure.Row(part, self.name, self.milliseconds, "ms", self.cpu)


def sandbox_times(output):
    return [int(line) / 1e6 for line in output.split("\n") if line.isdigit()]


def wall_seconds(output):
    return int(output.split("wall ")[1]) / 1e9


def commands(place):
    return [Contender(EXEC, [place.stagebox, "exec", "--image", place.archive, "--", "true"]),
            Contender(BWRAP, peers.bubblewrap(place)), Contender(BWRAP_OPEN, peers.bubblewrap(place, seccomp=False)),
            Contender(CRUN, peers.oci_runtime(place, CRUN), peers.hidden_for(CRUN)),
            Contender(RUNC, peers.oci_runtime(place, RUNC)), Contender(PODMAN, peers.podman(place)),
            Contender(FLOOR + ", whole process", place.floor())]


def usable(contenders, report):
    """Those that work here; the first run of each is not counted."""
    found = []
    for contender in contenders:
        try:
            contender.measure(0)
            contender.milliseconds.clear()
            contender.cpu.clear()
            found.append(contender)
        except (measure.Failed, OSError) as failure:
            report.skip(contender.name, failure)
    return found


def in_a_running_stagebox(place, report, rounds, batch):
    part = "one sandbox after the other, from request until nothing is left"
    ours = Batches(STAGE, place.stage_batch)
    floor, bare = Batches(FLOOR, place.floor), Batches(BARE, functools.partial(place.floor, kind=["-b"]))
    spawn = Contender("spawn of the same program, no sandbox", [str(place.layer / "bin/true")])
    bwrap = Contender(BWRAP_OPEN + ", whole process", peers.bubblewrap(place, seccomp=False))
    others = usable([bwrap, spawn], report)
    for _ in range(rounds):
        for contender in (ours, floor, bare):
            contender.measure(batch)
        for number in range(batch):
            for contender in others:
                contender.measure(number)
    rows = [contender.row(part) for contender in (ours, floor, bare, *others)]
    report.table(part, rows, rows[1])
    report.target("a stage", "wall, of the floor", rows[0].median() / rows[1].median(), 1.5, unit="x")
    report.target("a stage", "CPU, of the floor", rows[0].cpu_median() / rows[1].cpu_median(), 1.5, unit="x")
    if bwrap in others:
        report.target("a stage", "wall, of bubblewrap without cgroups and filter", rows[0].median() / rows[3].median(), 0.5, unit="x")
    return rows


def by_a_command(place, report, rounds):
    part = "one sandbox by a command, whole process"
    contenders = usable(commands(place), report)
    for number in range(rounds):
        for contender in contenders:
            contender.measure(number + 1)
    rows = {contender.name: contender.row(part) for contender in contenders}
    report.table(part, list(rows.values()), rows[EXEC])
    for name, bound in ((BWRAP, 1), (CRUN, 1 / 3), (RUNC, 1 / 3), (PODMAN, 1 / 10)):
        if name in rows:
            report.target("stagebox exec", f"wall, of {name}", rows[EXEC].median() / rows[name].median(), round(bound, 2), unit="x")


@dataclasses.dataclass
class Throughput:
    name: str
    run: object  # of (count, jobs): (seconds, CPU seconds)
    share: float = 1  # of the count: slow ones do fewer
    rates: list = dataclasses.field(default_factory=list)
    cpu: list = dataclasses.field(default_factory=list)

    def measure(self, count, jobs):
        count = max(jobs, int(count * self.share))
        seconds, cpu = self.run(count, jobs)
        self.rates.append(count / seconds)
        self.cpu.append(cpu / count * 1e3)


def of_batch(command):
    def measured(count, jobs):
        used = measure.run(command(count, jobs), keep_output=True)
        return wall_seconds(used.output), used.cpu
    return measured


def of_processes(contender):
    return lambda count, jobs: measure.without(contender.hidden, measure.run_many, contender.command, count, jobs)


def throughput(place, report, rounds, count):
    working = {contender.name: contender for contender in usable(commands(place), report)}
    shares = {EXEC: 0.25, BWRAP: 1, CRUN: 0.25, RUNC: 0.1, PODMAN: 0.04}
    for jobs in (1, 2, 8):
        part = f"throughput, {jobs} at once"
        running = [Throughput(FLOOR, of_batch(place.floor)), Throughput(STAGE, of_batch(place.stage_batch))]
        running += [Throughput(name, of_processes(working[name]), share) for name, share in shares.items() if name in working]
        for _ in range(rounds):
            for contender in running:
                contender.measure(count, jobs)
        rows = [measure.Row(part, one.name, one.rates, "/s", one.cpu) for one in running]
        report.table(part, rows, rows[0])
        if jobs > 1:
            report.target(part, "of the floor's", rows[1].median() / rows[0].median(), 0.8, at_least=True, unit="x")


def backlog(place, report, count):
    """Whether many sandboxes in a row get slower, and what is left when they are done."""
    before, held = kernel_objects(place), held_cgroups()
    used = measure.run(place.stage_batch(count, 2), keep_output=True)
    after, times = kernel_objects(place), sandbox_times(used.output)
    quarter = max(1, len(times) // 4)
    first, last = (statistics.median(part) for part in (times[:quarter], times[-quarter:]))
    print(f"\n{count} sandboxes, 2 at once: the last quarter takes {last / first:.2f} times as long as the first")
    report.target("throughput", f"last quarter of {count} sandboxes, of the first", last / first, 1.2, unit="x")
    settled = settle(place, before)
    for name, number in before.items():
        print(f"{name}: {number} before, {after[name]} at the end, {settled[name]} once it has settled")
        report.target("throughput", f"{name} left by {count} sandboxes", settled[name] - before[name], 16)
    held_by_ours = held_cgroups() - held
    measure.run(place.floor(count, 2))
    print(f"removed cgroups that the kernel keeps for pages of the file system that they touched first: "
          f"{held_by_ours} of ours, then {held_cgroups() - held - held_by_ours} of the floor's")


def settle(place, before):
    """What there is when it is no more than before, or after ten seconds: nothing tells when the kernel is done."""
    deadline = time.monotonic() + 10
    settled = kernel_objects(place)
    while time.monotonic() < deadline and any(settled[name] > before[name] for name in before):
        time.sleep(0.05)
        settled = kernel_objects(place)
    return settled


def held_cgroups():
    """Removed ones that have pages are among them (Documentation/admin-guide/cgroup-v2.rst, nr_dying_descendants)."""
    lines = pathlib.Path("/proc/cgroups").read_text(encoding="utf-8").splitlines()[1:]
    return sum(int(line.split()[2]) for line in lines)


def kernel_objects(place):
    """Network namespaces that are not yet taken down, and cgroups that are not removed."""
    found = {}
    try:
        for line in pathlib.Path("/proc/slabinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("net_namespace "):
                found["network namespaces"] = int(line.split()[1])
    except OSError:
        pass
    found["cgroups"] = sum(len(folders) for group in place.cgroups for _, folders, _ in os.walk(group))
    return found
