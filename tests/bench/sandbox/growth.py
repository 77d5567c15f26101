"""How costs grow: sandboxes at once, layers of an image, files of an input, stages of a run."""

import hashlib
import io
import json
import os
import platform
import statistics
import tarfile
import time

import footprint
import measure
import peers  # noqa: F401 (sets the path for what follows)
import starts
import oci_image
from harness import RACY

# Panels of the picture.
AT_ONCE = ("Sandboxes that run at once", "sandboxes", "ms")
MEMORY = ("Memory", "sandboxes that run at once", "MiB")
LAYERS = ("Layers of an image", "layers", "ms")
FILES = ("Files of an input", "files", "seconds of CPU")
STAGES = ("Stages of a run", "stages", "seconds of CPU")


def sandboxes_at_once(place, report, counts):
    part = "growth: sandboxes that run at once"
    print(f"\n### {part}\n\n| at once | until all run | per sandbox | Stagebox and its servers | each pid 1 |\n|---|---|---|---|---|")
    for count in counts:
        try:
            with footprint.Running(place, count) as running:
                own, first, seconds = running.own_kib(), running.each_first_kib(), running.seconds
        except measure.Failed as failure:
            report.skip(f"{count} sandboxes at once", failure)
            return
        print(f"| {count} | {seconds:.2f} s | {seconds / count * 1e3:.1f} ms | {own / 1024:.1f} MiB | {first:.0f} KiB |", flush=True)
        report.rows.append(measure.Row(part, str(count), [seconds], "s"))
        report.curves.add(AT_ONCE, "until it runs, each", count, [seconds / count * 1e3])
        report.curves.add(MEMORY, "Stagebox and its servers", count, [own / 1024])


def batches(place, report, counts):
    """Each with as many threads as there are sandboxes at once: wall and CPU time per sandbox."""
    part = "growth: sandboxes started at once, one after the other in each of so many threads"
    print(f"\n### {part}\n\n| threads | sandboxes/s | CPU per sandbox |\n|---|---|---|")
    for count in counts:
        total = max(100, count)
        used = measure.run(place.stage_batch(total, count), keep_output=True)
        rate = total / starts.wall_seconds(used.output)
        print(f"| {count} | {measure.digits(rate)} | {measure.digits(used.cpu / total * 1e3)} ms |", flush=True)
        report.rows.append(measure.Row(part, str(count), [rate], "/s", [used.cpu / total * 1e3]))
        report.curves.add(AT_ONCE, "from start to end, CPU of each", count, [used.cpu / total * 1e3])


def layered_image(place, layers):
    """A docker-archive: the busybox tree, and above it layers with a small file each."""
    path = place.directory / f"layers-{layers}.tar"
    tars = []
    for number in range(layers):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            if number == 0:
                tar.add(place.layer, ".")
            else:
                content = f"{number}\n".encode()
                entry = tarfile.TarInfo(f"file-{number}")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        tars.append(stream.getvalue())
    machine = platform.machine()
    diff_ids = ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]
    config = json.dumps({"architecture": oci_image.ARCHITECTURES.get(machine, machine), "os": "linux",
                         "config": {"Env": ["PATH=/bin"]}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    names = [f"{number}/layer.tar" for number in range(layers)]
    manifest = json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": names}]).encode()
    with tarfile.open(path, "w") as archive:
        for name, content in [("config.json", config), ("manifest.json", manifest), *zip(names, tars)]:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return str(path)


def layers_of_an_image(place, report, counts):
    part = "growth: layers of the image"
    print(f"\n### {part}\n\n| layers | a sandbox | CPU |\n|---|---|---|")
    for count in counts:
        archive = layered_image(place, count)
        batch = starts.Batches(str(count), lambda many, archive=archive: [place.stages, "run", archive, str(many), "1"])
        measure.run(batch.command(1))  # imports the image
        batch.measure(20)
        row = batch.row(part)
        print(f"| {count} | {measure.digits(row.median())} ms | {measure.digits(row.cpu_median())} ms |", flush=True)
        report.rows.append(row)
        report.curves.add(LAYERS, "a sandbox, CPU", count, row.cpu)
        os.unlink(archive)


def files_of_an_input(place, report, counts):
    part = "growth: files of an input"
    print(f"\n### {part}\n\n| files | first run | unchanged | unchanged, CPU per file |\n|---|---|---|---|")
    for count in counts:
        # A block and an inode for each file, and for its copy in the store.
        room = os.statvfs(place.directory)
        if room.f_bavail * room.f_frsize < count * 9000 or room.f_favail < count * 2.1:
            report.skip(f"an input of {count} files", "the file system has no room for them and their copies")
            return
        project = place.directory / f"files-{count}"
        for number in range(count):
            if number % 500 == 0:
                (project / f"tree/{number // 500}").mkdir(parents=True)
            (project / f"tree/{number // 500}/{number}").write_text(f"{number}\n", encoding="utf-8")
        place.link_archive(project)
        place.pipeline(project, "  s: {inputs: {tree: {path: tree}}, run: [\"true\"]}\n")
        first_and_later(place, report, part, FILES, count, project)


def first_and_later(place, report, part, panel, count, project):
    """A run, and the same again when no file is so young that it could still change unseen. The second leaves a memo that
    answers the next ones."""
    command = [place.stagebox, "run", str(project / "stagebox.yaml")]
    first = measure.run(command)
    time.sleep(RACY)
    measure.run(command)
    unchanged = [measure.run(command) for _ in range(3)]
    cpu = statistics.median(used.cpu for used in unchanged)
    print(f"| {count} | {first.seconds:.2f} s | {statistics.median(used.seconds for used in unchanged):.3f} s | "
          f"{cpu / count * 1e6:.1f} us |", flush=True)
    report.rows.append(measure.Row(part, f"{count}, first", [first.seconds], "s", [first.cpu * 1e3]))
    report.rows.append(measure.Row(part, str(count), [used.seconds for used in unchanged], "s", [cpu * 1e3]))
    report.curves.add(panel, "first run", count, [first.cpu])
    report.curves.add(panel, "unchanged", count, [cpu])


def stages_of_a_run(place, report, counts):
    part = "growth: stages of a run"
    print(f"\n### {part}\n\n| stages | first run | unchanged | unchanged, CPU per stage |\n|---|---|---|---|")
    for count in counts:
        project = place.directory / f"stages-{count}"
        project.mkdir()
        place.link_archive(project)
        place.pipeline(project, "".join(f"  s{number}: {{run: [\"true\"], salt: {count}-{number}}}\n" for number in range(count)))
        first_and_later(place, report, part, STAGES, count, project)


def all_of_it(place, report):
    batches(place, report, (1, 2, 10, 100))
    sandboxes_at_once(place, report, (1, 10, 100, 300, 1000))
    layers_of_an_image(place, report, (1, 3, 10, 30, 100))
    stages_of_a_run(place, report, (1, 10, 100, 1000, 10000))
    files_of_an_input(place, report, (10, 100, 1000, 10000, 100000, 1000000))
