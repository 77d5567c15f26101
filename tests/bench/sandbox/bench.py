"""Measures what a sandbox costs, ours beside bubblewrap, crun, runc, podman and a floor of bare system calls: all in
turn, several rounds; medians, 90th percentiles, spread, CPU time, and what of the targets is met."""

import argparse
import json
import os
import pathlib
import platform
import sys
import tempfile

import data
import footprint
import growth
import measure
import peers
import plot
import starts

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from fresh_file_system import FreshFileSystem, enter_private_mounts  # noqa: E402 (needs the path above)

FILE_SYSTEM_BYTES = 8 << 30
FILE_SYSTEM_BYTES_FOR_GROWTH = 20 << 30  # a million files, and their copies in the store
PARTS = ("stage", "exec", "throughput", "memory", "inputs", "capture", "logs", "start-up")


def run_parts(place, report, options, parts):
    if "stage" in parts:
        starts.in_a_running_stagebox(place, report, options.rounds, 20)
    if "exec" in parts:
        starts.by_a_command(place, report, options.rounds * 2)
    if "throughput" in parts:
        starts.throughput(place, report, max(1, options.rounds // 3), options.sandboxes)
        starts.backlog(place, report, options.sandboxes * 2)
    few = max(1, options.rounds // 3)
    if "memory" in parts:
        footprint.memory(place, report, (1, 10, 100))
    if "inputs" in parts:
        data.inputs(place, report, options.rounds, 64)
    if "capture" in parts:
        data.capture(place, report, few, options.big, options.files)
    if "logs" in parts:
        data.logs(place, report, few, options.log)
    if "start-up" in parts:
        data.start_up(place, report, options.rounds * 2)
    if options.growth:
        growth.all_of_it(place, report)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sandboxes", type=int, default=200, help="of a throughput measurement")
    parser.add_argument("--big", type=int, default=1024, help="MiB of the file that is captured")
    parser.add_argument("--files", type=int, default=50000, help="small files that are captured")
    parser.add_argument("--log", type=int, default=256, help="MiB of a log")
    parser.add_argument("--growth", action="store_true",
                        help="how costs grow, up to 1,000 sandboxes at once (20 GiB of disk), and the parts of --only")
    parser.add_argument("--plot", type=pathlib.Path, help="where to draw how costs grow, as SVG")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], help=f"of {', '.join(PARTS)}")
    parser.add_argument("--json", type=pathlib.Path, help="where to write every measurement")
    parser.add_argument("--work-dir", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench sandbox: run it as root: that is what all contenders can be measured as")
    if unknown := set(options.only) - set(PARTS):
        sys.exit(f"bench sandbox: no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.plot and (problem := "it draws what --growth measures" if not options.growth else plot.MISSING):
        sys.exit(f"bench sandbox: --plot: {problem}")
    enter_private_mounts()
    machine = f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    print(f"{machine}, {options.rounds} rounds; {'; '.join(peers.versions().values())}")
    report = measure.Report()
    with (tempfile.TemporaryDirectory(prefix="stagebox-bench.", dir=options.work_dir) as folder,
          tempfile.TemporaryDirectory(prefix="sb-") as point,  # short: podman allows 50 characters
          FreshFileSystem(pathlib.Path(folder, "fs.img"), point,
                          FILE_SYSTEM_BYTES_FOR_GROWTH if options.growth else FILE_SYSTEM_BYTES) as directory):
        try:
            run_parts(peers.Place(options.build_dir.resolve(), directory), report, options, options.only or ([] if options.growth else PARTS))
        except measure.Failed as failure:
            sys.exit(f"bench sandbox: {failure}")
        report.print_targets()
        if options.json:
            options.json.write_text(json.dumps({"machine": machine, "versions": peers.versions()} | report.as_json(), indent=2) + "\n")
        if options.plot:
            plot.draw(report.curves, options.plot, machine)


if __name__ == "__main__":
    main()
