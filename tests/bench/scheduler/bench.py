"""Measures what Stagebox itself costs: null runs of cached stages beside ninja's and make's null builds of the same
graph, planning alone, stages that do nothing, explain, and large input trees. All contenders in turn, several rounds;
medians and spread."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import graphs

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/e2e"))
os.environ.setdefault("STAGEBOX", "unused")
sys.path.insert(0, str(ROOT / "tests/bench"))
from fresh_file_system import FreshFileSystem, enter_private_mounts  # noqa: E402 (need the paths above)
from harness import RACY, make_image  # noqa: E402

FILE_SYSTEM_BYTES = 8 << 30
OURS, NINJA = "stagebox run, all cached", "ninja, nothing to do"
# An option that no memo is made with: such a run parses, plans and looks up every stage.
ORDINARY = ["--timeout", "1h"]


@dataclasses.dataclass
class Contender:
    name: str
    command: list
    directory: pathlib.Path
    prepare: callable = None
    seconds: list = dataclasses.field(default_factory=list)
    cpu: list = dataclasses.field(default_factory=list)
    memory: list = dataclasses.field(default_factory=list)

    def measure(self):
        if self.prepare:
            self.prepare()
        start = time.perf_counter()
        with subprocess.Popen(self.command, cwd=self.directory, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as process:
            error = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds.append(time.perf_counter() - start)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        self.memory.append(usage.ru_maxrss * 1024)
        if process.returncode != 0:
            sys.exit(f"{self.name} failed: {error.decode()}")

    def median(self):
        return statistics.median(self.seconds)


def measure_in_turn(contenders, rounds):
    for _ in range(rounds):
        for contender in contenders:
            contender.measure()


RESULTS = []  # what --json writes


def table(title, contenders, size, base=None):
    RESULTS.extend({"part": title, "contender": contender.name, "nodes": size, "seconds": contender.seconds,
                    "cpu_seconds": contender.cpu, "memory_bytes": contender.memory} for contender in contenders)
    print(f"\n### {title}\n\n| | median | min - max | CPU | CPU per node | CPU ratio |\n|---|---|---|---|---|---|")
    for contender in contenders:
        cpu = statistics.median(contender.cpu)
        ratio = f"{cpu / statistics.median(base.cpu):.2f}" if base else ""
        print(f"| {contender.name} | {contender.median() * 1e3:.0f} ms | {min(contender.seconds) * 1e3:.0f} - "
              f"{max(contender.seconds) * 1e3:.0f} ms | {cpu * 1e3:.1f} ms | "
              f"{cpu / size * 1e6:.1f} us | {ratio} |", flush=True)


class Workplace:
    def __init__(self, build, directory):
        self.build = build
        self.stagebox = str(build / "runtime/cli/stagebox")
        self.directory = directory
        os.environ["STAGEBOX_HOME"] = str(directory / "home")
        make_image(directory)

    def project(self, name, graph, **options):
        path = self.directory / name
        path.mkdir()
        os.link(self.directory / "bb.tar", path / "bb.tar")
        (path / "stagebox.yaml").write_text(graphs.pipeline(graph, **options))
        (path / "build.ninja").write_text(graphs.ninja_file(graph))
        (path / "Makefile").write_text(graphs.makefile(graph))
        return path

    def run(self, path, *arguments):
        start = time.perf_counter()
        result = subprocess.run([self.stagebox, "run", *arguments], cwd=path, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            sys.exit(result.stdout[-4000:])
        return time.perf_counter() - start


def null_runs(place, shape, size, rounds):
    graph = graphs.SHAPES[shape](size)
    path = place.project(f"{shape}-{size}", graph, salt=f"{shape}-{size}-")
    executed = place.run(path)
    for tool in ("ninja", "make"):
        subprocess.run([tool], cwd=path, check=True, stdout=subprocess.DEVNULL)
    contenders = [Contender(OURS, [place.stagebox, "run"], path), Contender(NINJA, ["ninja"], path),
                  Contender("make, nothing to do", ["make", "-s"], path),
                  Contender("stagebox run, all looked up", [place.stagebox, "run", *ORDINARY], path)]
    time.sleep(RACY)
    for contender in contenders:
        contender.measure()  # the first is not counted: ours makes the memo
        for samples in (contender.seconds, contender.cpu, contender.memory):
            samples.clear()
    measure_in_turn(contenders, rounds)
    edges = sum(len(needs) for needs in graph)
    table(f"{shape}, {size} stages, {edges} edges (executed once in {executed:.1f} s)", contenders, size,
          contenders[1])
    return contenders[0], contenders[3]


def planning(place, size, rounds):
    many_edges = graphs.layered(size)
    edges = sum(len(needs) for needs in many_edges)
    contenders = [
        Contender(f"plan {size} stages, chain", [place.stagebox, "run", "--dry-run"],
                  place.project(f"plan-chain-{size}", graphs.chain(size))),
        Contender(f"plan {size} stages, {edges} edges", [place.stagebox, "run", "--dry-run"],
                  place.project(f"plan-edges-{size}", many_edges, edges="order")),
        Contender("the program alone", [place.stagebox, "--version"], place.directory)]
    measure_in_turn(contenders, rounds)
    table("planning, parse included", contenders, size)


class NewStages:
    """A project whose stages have never run, each time it is prepared: a recorded one costs more to replace."""

    def __init__(self, place, name, size, outputs):
        self.path = place.project(name, graphs.wide(size), salt=name)
        self.name, self.size, self.outputs = name, size, outputs
        self.times = 0

    def prepare(self):
        self.times += 1
        (self.path / "stagebox.yaml").write_text(graphs.pipeline(
            graphs.wide(self.size), salt=f"{self.name}-{self.times}-", outputs=self.outputs))


def executed(place, size, rounds):
    bare = [str(place.build / "tests/bench/scheduler/bare_sandboxes"), str(place.directory / "bb.tar")]
    # By what is run: how often, and as what.
    contenders = {}
    for count in (1, size):
        for name, outputs, jobs in (("do nothing", False, 1), ("do nothing", False, 2), ("make a file", True, 1)):
            new = NewStages(place, f"executed-{count}-{outputs}-{jobs}", count, outputs)
            contenders[name, jobs, count] = Contender(
                f"{count} stages that {name}, --jobs {jobs}", [place.stagebox, "run", "--jobs", str(jobs)], new.path, new.prepare)
        contenders["sandbox", 1, count] = Contender(f"{count} bare sandboxes", bare + [str(count)], place.directory)
    measure_in_turn(contenders.values(), rounds)
    table("executed stages", contenders.values(), size)

    def of_one(what, jobs, measured):
        """In each round: what one more of them takes, in ms."""
        many, one = (getattr(contenders[what, jobs, count], measured) for count in (size, 1))
        return [(a - b) / (size - 1) * 1e3 for a, b in zip(many, one)]

    for name in ("do nothing", "make a file"):
        for measured, word in (("seconds", "wall time"), ("cpu", "CPU time")):
            beyond = [a - b for a, b in zip(of_one(name, 1, measured), of_one("sandbox", 1, measured))]
            print(f"\n{word} of stages that {name} beyond their sandbox, --jobs 1: median {statistics.median(beyond):.2f} ms "
                  f"({min(beyond):.2f} - {max(beyond):.2f})")


def explaining(place, size, rounds):
    graph = graphs.random_graph(size)
    path = place.project(f"explained-{size}", graph, salt="first-")
    place.run(path)
    changed = (path / "stagebox.yaml").read_text().replace(f'"first-{size // 2}"', '"other"')
    (path / "stagebox.yaml").write_text(changed)
    place.run(path)
    contenders = [Contender(f"explain a stage of a run of {size}", [place.stagebox, "explain", "last", f"s{size // 2}"], path)]
    measure_in_turn(contenders, rounds)
    table("explain", contenders, 1)


def inputs(place, files, rounds):
    path = place.directory / "inputs"
    os.makedirs(path)
    os.link(place.directory / "bb.tar", path / "bb.tar")
    for number in range(files):
        if number % 1000 == 0:
            (path / f"tree/{number // 1000}").mkdir(parents=True)
        (path / f"tree/{number // 1000}/{number}").write_text(f"{number}\n")
    (path / "stagebox.yaml").write_text("stagebox: 1\nname: inputs\nimages: {bb: {tarball: bb.tar}}\n"
                                        "stages: {s: {image: bb, inputs: {tree: {path: tree}}, run: [\"true\"]}}\n")
    place.run(path)
    time.sleep(RACY)
    place.run(path)  # nothing is racy any more
    contenders = [Contender(f"{files} unchanged input files", [place.stagebox, "run"], path),
                  Contender("the same, hashed into a tree", [place.stagebox, "run", *ORDINARY], path)]
    measure_in_turn(contenders, rounds)
    table("input trees", contenders, files)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[1000, 10000])
    parser.add_argument("--shapes", type=lambda text: text.split(","), default=list(graphs.SHAPES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--executed", type=int, default=300, help="stages that are really executed")
    parser.add_argument("--inputs", type=int, default=100000, help="files of an input tree")
    parser.add_argument("--only", choices=["null", "planning", "executed", "explain", "inputs"], help="one of the parts")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every measurement")
    parser.add_argument("--work-dir", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
    options = parser.parse_args()
    if root := os.geteuid() == 0:
        enter_private_mounts()
    print(f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, "
          f"{options.rounds} rounds")
    with (tempfile.TemporaryDirectory(prefix="stagebox-bench.", dir=options.work_dir) as folder,
          tempfile.TemporaryDirectory(prefix="stagebox-bench.", dir=options.work_dir) as point,
          FreshFileSystem(pathlib.Path(folder, "fs.img"), point, FILE_SYSTEM_BYTES) if root
          else contextlib.nullcontext(pathlib.Path(point)) as directory):
        place = Workplace(options.build_dir.resolve(), directory)
        if options.only in (None, "planning"):
            planning(place, max(options.sizes), options.rounds)
        if options.only in (None, "executed"):
            executed(place, options.executed, options.rounds)
        if options.only in (None, "explain"):
            explaining(place, min(options.sizes), options.rounds)
        if options.only in (None, "inputs"):
            inputs(place, options.inputs, options.rounds)
        if options.only in (None, "null"):
            for shape in options.shapes:
                runs = [null_runs(place, shape, size, options.rounds) for size in options.sizes]
                for smallest, largest in zip(runs[0], runs[-1]):
                    print(f"\nmemory of \"{largest.name}\", {options.sizes[-1]} stages: {max(largest.memory) >> 20} MiB")
                    if len(runs) > 1:
                        grown = max(largest.memory) - max(smallest.memory)
                        print(f"that is {grown / (options.sizes[-1] - options.sizes[0]) / 1024:.1f} KiB a stage")
        if options.json:
            options.json.write_text(json.dumps({"machine": platform.platform(), "load": os.getloadavg(),
                                                "results": RESULTS}, indent=2) + "\n")


if __name__ == "__main__":
    main()
