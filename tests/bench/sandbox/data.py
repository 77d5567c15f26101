"""What goes in and out of a stage: inputs, outputs, logs; and how long the program takes to start."""

import shutil
import statistics
import subprocess

import measure
import starts

LINE = "a line of a log, as compilers and test programs write them, about a hundred characters of it, and no more than that"
BLOCK = 8 << 20


def inputs(place, report, rounds, count):
    """Directories of the host, mounted read-only: what a stage with `count` of them takes beyond one without."""
    part = "inputs"
    folder = place.directory / "inputs"
    for number in range(count):
        (folder / str(number)).mkdir(parents=True)
    without = starts.Batches("a stage without inputs", place.stage_batch)
    with_all = starts.Batches(f"a stage with {count} inputs",
                              lambda many, jobs=1: place.stage_batch(many, jobs, [str(folder)]))
    for _ in range(rounds):
        without.measure(10)
        with_all.measure(10)
    rows = [without.row(part), with_all.row(part)]
    report.table(part, rows, rows[0])
    each = (rows[1].median() - rows[0].median()) / count
    cpu = (rows[1].cpu_median() - rows[0].cpu_median()) / count
    report.target("inputs", "wall per input", each, 0.1, unit=" ms")
    report.target("inputs", "CPU per input", cpu, 0.1, unit=" ms")


def make_outputs(folder, mebibytes, files):
    folder.mkdir()
    with open(folder / "big", "wb") as big:
        for number in range(mebibytes):
            big.write(number.to_bytes(4, "big") * (1 << 18))
    small = folder / "small"
    for number in range(files):
        if number % 500 == 0:
            (small / str(number // 500)).mkdir(parents=True)
        (small / str(number // 500) / str(number)).write_text(f"{number}\n", encoding="utf-8")


def capture(place, report, rounds, mebibytes, files):
    """Each round has files of its own: nothing is known of them."""
    part = "capture of outputs, beside a copy of them"
    names = {"big": f"one file of {mebibytes} MiB", "small": f"{files} small files"}
    rows = {(kind, how): measure.Row(part, f"{how}, {what}", [], "ms")
            for kind, what in names.items() for how in ("cp -a", "captured")}
    for number in range(rounds):
        folder, copy = place.directory / f"outputs-{number}", place.directory / "copy"
        make_outputs(folder, mebibytes, files)
        for kind in names:
            subprocess.run(["sync"], check=True)
            copied = measure.run(["cp", "-a", str(folder / kind), str(copy)])
            subprocess.run(["sync"], check=True)
            shutil.rmtree(copy) if copy.is_dir() else copy.unlink()
            captured = measure.run([place.stages, "capture", str(folder), kind], keep_output=True)
            for how, seconds, cpu in (("cp -a", copied.seconds, copied.cpu),
                                      ("captured", starts.wall_seconds(captured.output), captured.cpu)):
                rows[kind, how].values.append(seconds * 1e3)
                rows[kind, how].cpu.append(cpu * 1e3)
        shutil.rmtree(folder)
        shutil.rmtree(place.directory / "home/cas")
    report.table(part, list(rows.values()))
    for kind, what in names.items():
        ratio = rows[kind, "captured"].median() / rows[kind, "cp -a"].median()
        report.target("capture", f"{what}, of cp -a", ratio, 1.2, unit="x")


# What a stage writes again and again: its name, a command that writes it once, and how many bytes that are.
SAME = f"yes '{LINE}' | head -c {BLOCK}"
VARIED = ("j=0; while [ $j -lt 80000 ]; do echo \"[$j/80000] Building CXX object src/module_$((j%977)).cc.o: "
          "took $((j*7919%1000)) ms, $((j*104729%65536)) KiB of memory\"; j=$((j+1)); done")


def texts():
    for name, command in (("the same line", SAME), ("lines with numbers", VARIED)):
        written = subprocess.run(["busybox", "sh", "-c", command], check=True, stdout=subprocess.PIPE).stdout
        yield name, command, len(written)


def script(text, blocks):
    return f"({text}) >/tmp/lines; i=0; while [ $i -lt {blocks} ]; do cat /tmp/lines; i=$((i+1)); done"


class Logs:
    """Each contender writes so many blocks of lines into its log; one block costs what is not the log. Ours ends when its
    log is compressed and on the disk; podman's is neither, and the CPU time of its conmon is not counted."""

    def __init__(self, place):
        self.place = place
        self.project = place.directory / "logs"
        self.project.mkdir()
        place.link_archive(self.project)

    def stagebox(self, text, blocks):
        self.place.pipeline(self.project, f"  s: {{run: {script(text, blocks)!r}, resources: {{log: 4GiB}}}}\n")
        return [self.place.stagebox, "run", "--no-cache", str(self.project / "stagebox.yaml")]

    def podman(self, text, blocks):
        log = self.place.directory / "podman.log"
        words = self.place.podman(["--log-driver", "k8s-file", "--log-opt", f"path={log}", "--detach"],
                                  ["sh", "-c", script(text, blocks)])
        # It looks each 250 ms otherwise.
        waiting = self.place.podman_store(["wait", "--interval", "10ms"])
        removing = self.place.podman_store(["rm"])
        return ["sh", "-c", f'id=$({quoted(words)}) && {quoted(waiting)} $id && {quoted(removing)} $id && rm -f {log}']

    def floor(self, text, blocks):
        log = self.place.directory / "floor.log"
        return ["sh", "-c", f"busybox sh -c {quote(script(text, blocks))} | cat >{log}; rm {log} /tmp/lines"]


def quote(word):
    return "'" + word.replace("'", "'\\''") + "'"


def quoted(words):
    return " ".join(quote(str(word)) for word in words)


def logs(place, report, rounds, mebibytes):
    contenders = Logs(place)
    for name, text, size in texts():
        logs_of(contenders, report, rounds, mebibytes, (name, text, size))


def logs_of(contenders, report, rounds, mebibytes, what):
    name_of_text, text, size = what
    part = f"logs, {mebibytes} MiB of {name_of_text} from a stage to a file"
    blocks = max(2, mebibytes * (1 << 20) // size)
    rates = {}
    for name, command in (("stagebox run", contenders.stagebox), ("podman, k8s-file", contenders.podman),
                          ("floor: a pipe and cat", contenders.floor)):
        try:
            measure.run(command(text, 1))
            rates[name] = (command, [], [])
        except measure.Failed as failure:
            report.skip(f"logs of {name}", failure)
    for _ in range(rounds):
        for command, values, cpu in rates.values():
            one, all_blocks = measure.run(command(text, 1)), measure.run(command(text, blocks))
            megabytes = (blocks - 1) * size / 1e6
            if all_blocks.seconds > 1.2 * one.seconds:  # else the difference is noise
                values.append(megabytes / (all_blocks.seconds - one.seconds))
                cpu.append(max(0.0, all_blocks.cpu - one.cpu) / megabytes * 1e6)
    rows = {}
    for name, (_, values, cpu) in rates.items():
        if values:
            rows[name] = measure.Row(part, name, values, "MB/s", cpu, "CPU is ms for 1,000 MB")
        else:
            report.skip(f"logs of {name}", "so short a log is lost in the noise: say --log with more MiB")
    report.table(part, list(rows.values()), rows.get("stagebox run"))
    if ours := rows.get("stagebox run"):
        report.target("logs", f"{name_of_text}, to a file", ours.median(), 500, at_least=True, unit=" MB/s")
        if podman := rows.get("podman, k8s-file"):
            report.target("logs", f"{name_of_text}, of podman's", ours.median() / podman.median(), 5, at_least=True, unit="x")


def start_up(place, report, rounds):
    part = "start-up of the program"
    project = place.directory / "small"
    project.mkdir()
    place.link_archive(project)
    place.pipeline(project, "  a: {run: [\"true\"]}\n  b: {run: [\"true\"], needs: [a]}\n")
    contenders = [starts.Contender("stagebox --version", [place.stagebox, "--version"]),
                  starts.Contender("stagebox run --dry-run", [place.stagebox, "run", "--dry-run", str(project / "stagebox.yaml")])]
    for number in range(rounds + 1):
        for contender in contenders:
            contender.measure(number)
    for contender in contenders:
        del contender.milliseconds[0], contender.cpu[0]
    rows = [contender.row(part) for contender in contenders]
    report.table(part, rows)
    for row, bound in zip(rows, (5, 15)):
        report.target("start-up", row.what, statistics.median(row.values), bound, unit=" ms")
