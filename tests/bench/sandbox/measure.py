"""Taking times of processes, and saying what came of it: rows with medians, 90th percentiles, spread and targets."""

import ctypes
import dataclasses
import os
import pickle
import signal
import statistics
import threading
import time

import plot


@dataclasses.dataclass
class Used:
    """What one process took, descendants that were waited for included."""
    seconds: float
    cpu: float
    output: str = ""


class Failed(Exception):
    pass


def run(command, environment=None, keep_output=False):
    """By posix_spawn: the least that a start can cost from here. Standard input is empty."""
    read_end, write_end = os.pipe() if keep_output else (-1, -1)
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)]
    if keep_output:
        actions += [(os.POSIX_SPAWN_DUP2, write_end, 1)]
    else:
        actions += [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    start = time.perf_counter()
    # Python ignores SIGPIPE, and what it starts would too.
    pid = os.posix_spawnp(command[0], command, dict(os.environ, **(environment or {})), file_actions=actions,
                          setsigdef=[signal.SIGPIPE])
    output = ""
    if keep_output:
        os.close(write_end)
        with open(read_end, encoding="utf-8") as stream:
            output = stream.read()
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise Failed(f"{' '.join(map(str, command))}: status {os.waitstatus_to_exitcode(status)}")
    return Used(seconds, usage.ru_utime + usage.ru_stime, output)


def without(mount_point, function, *arguments):
    """Calls a function where nothing is mounted on `mount_point` (None: here)."""
    if mount_point is None:
        return function(*arguments)
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            leave_mount(mount_point)
            answer = function(*arguments)
        except (Failed, OSError) as error:
            answer = error
        os.write(write_end, pickle.dumps(answer))
        os._exit(0)
    os.close(write_end)
    with open(read_end, "rb") as stream:
        answer = pickle.loads(stream.read())
    os.waitpid(pid, 0)
    if isinstance(answer, Exception):
        raise answer
    return answer


def leave_mount(mount_point):
    clone_newns, private, recursive, detach = 0x20000, 1 << 18, 1 << 14, 2
    libc = ctypes.CDLL(None, use_errno=True)
    for result in (libc.unshare(clone_newns), libc.mount(b"none", b"/", None, private | recursive, None),
                   libc.umount2(mount_point.encode(), detach)):
        if result != 0:
            raise OSError(ctypes.get_errno(), f"unmount {mount_point}")


def run_many(command, count, jobs):
    """`count` processes, `jobs` at once: seconds of all, CPU seconds of all."""
    left, lock, used, failures = list(range(count)), threading.Lock(), [], []

    def work():
        while not failures:
            with lock:
                if not left:
                    return
                number = left.pop()
            try:
                used.append(run([word.replace("{n}", str(number)) for word in command]))
            except Failed as failure:
                failures.append(failure)

    start = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - start, sum(one.cpu for one in used)


def p90(values):
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.9))]


@dataclasses.dataclass
class Row:
    part: str
    what: str
    values: list  # in `unit`
    unit: str
    cpu: list = dataclasses.field(default_factory=list)  # milliseconds per run
    note: str = ""

    def median(self):
        return statistics.median(self.values)

    def cpu_median(self):
        return statistics.median(self.cpu) if self.cpu else None


@dataclasses.dataclass
class Target:
    part: str
    what: str
    measured: float
    bound: float
    at_least: bool = False
    unit: str = ""

    def met(self):
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def text(self):
        return f"at {'least' if self.at_least else 'most'} {self.bound:g}{self.unit}"


def digits(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Report:
    """Prints as it goes, and keeps everything for the JSON file."""

    def __init__(self):
        self.rows, self.targets, self.skipped = [], [], []
        self.curves = plot.Curves()

    def skip(self, what, reason):
        self.skipped.append({"what": what, "reason": str(reason)})
        print(f"\nnot measured: {what}: {reason}", flush=True)

    def table(self, part, rows, base=None):
        """Ratios are to `base`, by time and by CPU time."""
        self.rows += rows
        print(f"\n### {part}\n\n| | median | p90 | min - max | CPU/run | / {base.what if base else '-'} | CPU / |\n"
              "|---|---|---|---|---|---|---|")
        for row in rows:
            cpu = row.cpu_median()
            ratio = digits(row.median() / base.median()) if base else ""
            cpu_ratio = digits(cpu / base.cpu_median()) if base and cpu and base.cpu_median() else ""
            print(f"| {row.what} | {digits(row.median())} {row.unit} | {digits(p90(row.values))} | "
                  f"{digits(min(row.values))} - {digits(max(row.values))} | {f'{digits(cpu)} ms' if cpu else ''} | "
                  f"{ratio} | {cpu_ratio} |{' ' + row.note if row.note else ''}", flush=True)

    def target(self, *arguments, **options):
        self.targets.append(Target(*arguments, **options))

    def print_targets(self):
        print("\n### Targets\n\n| | measured | target | |\n|---|---|---|---|")
        for target in self.targets:
            print(f"| {target.part}: {target.what} | {digits(target.measured)}{target.unit} | {target.text()} | "
                  f"{'met' if target.met() else 'not met'} |")

    def as_json(self):
        return {"rows": [{"part": row.part, "what": row.what, "unit": row.unit, "median": row.median(),
                          "p90": p90(row.values), "min": min(row.values), "max": max(row.values),
                          "rounds": len(row.values), "cpu_ms_per_run": row.cpu_median()} for row in self.rows],
                "targets": [{"part": target.part, "what": target.what, "measured": target.measured,
                             "target": target.text(), "met": target.met()} for target in self.targets],
                "not_measured": self.skipped}
