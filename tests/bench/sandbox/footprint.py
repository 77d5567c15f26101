"""How much memory Stagebox has while sandboxes run: itself and its servers, and what each sandbox adds."""

import pathlib
import signal
import subprocess
import time

import measure

PROC = pathlib.Path("/proc")


def processes():
    """Of the machine: number -> (parent, name)."""
    found = {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, rest = (entry / "stat").read_text(encoding="utf-8").rsplit(")", 1)
            found[int(entry.name)] = (int(rest.split()[1]), name.split("(", 1)[1])
        except (OSError, ValueError):
            continue  # gone meanwhile
    return found


def resident(pid, field="Rss"):
    """KiB."""
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


class Running:
    """`stagebox run` of so many stages that sleep, all at once."""

    def __init__(self, place, count):
        self.project = place.directory / f"sleeping-{count}"
        self.project.mkdir()
        self.count = count
        place.link_archive(self.project)
        place.pipeline(self.project, "".join(f"  s{number}: {{run: [sleep, \"1000\"]}}\n" for number in range(count)))
        self.start = time.perf_counter()
        self.process = subprocess.Popen([place.stagebox, "run", "--no-cache", "--jobs", str(count)], cwd=self.project,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.seconds = 0

    def __enter__(self):
        deadline = time.monotonic() + 120
        while self.sleeping() < self.count:
            if self.process.poll() is not None or time.monotonic() > deadline:
                running = self.sleeping()
                self.__exit__()
                raise measure.Failed(f"only {running} of {self.count} sandboxes run: {self.process.stderr.read()[-300:]}")
            time.sleep(0.01)  # other processes' children: nothing tells when they are there
        self.seconds = time.perf_counter() - self.start
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def family(self):
        """Itself and its servers; pid 1 of each sandbox; the stages' own processes."""
        table = processes()
        children = {}
        for pid, (parent, _) in table.items():
            children.setdefault(parent, []).append(pid)
        ours = [self.process.pid, *children.get(self.process.pid, [])]
        firsts = [pid for server in ours[1:] for pid in children.get(server, [])]
        return ours, firsts, [pid for first in firsts for pid in children.get(first, []) if table[pid][1] == "sleep"]

    def sleeping(self):
        return len(self.family()[2])

    def own_kib(self):
        ours, _, _ = self.family()
        return sum(resident(pid) for pid in ours)

    def each_first_kib(self):
        """What nobody else has of a sandbox's pid 1, on average."""
        _, firsts, _ = self.family()
        return sum(resident(pid, "Pss") for pid in firsts) / max(1, len(firsts))


def memory(place, report, counts):
    part = "memory while sandboxes run"
    found = {}
    for count in counts:
        try:
            with Running(place, count) as running:
                found[count] = (running.own_kib(), running.each_first_kib())
        except measure.Failed as failure:
            report.skip(f"{count} sandboxes at once", failure)
            break
    rows = [measure.Row(part, f"Stagebox and its servers, {count} sandboxes", [own / 1024], "MiB")
            for count, (own, _) in found.items()]
    rows += [measure.Row(part, f"pid 1 of a sandbox (its share), {count} sandboxes", [first], "KiB")
             for count, (_, first) in found.items()]
    report.table(part, rows)
    if len(found) < 2:
        return
    least, most = min(found), max(found)
    each = (found[most][0] - found[least][0]) / (most - least)
    report.target("memory", f"Stagebox and its servers, {most} sandboxes", found[most][0] / 1024, 50, unit=" MiB")
    report.target("memory", "per further sandbox, in Stagebox", each, 100, unit=" KiB")
    report.target("memory", "per further sandbox, its pid 1 included", each + found[most][1], 100, unit=" KiB")
