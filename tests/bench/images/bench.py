"""Measures imports of one image, all contenders in turn, several rounds; prints medians, spread and ratios.

Every measurement has a file system of its own, fresh and with a journal, in a file: so nobody pays for what another one
deleted or left unwritten. Archives lie outside it and are in the page cache.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import make_image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from fresh_file_system import FreshFileSystem, enter_private_mounts  # noqa: E402 (needs the path above)

FILE_SYSTEM_BYTES = 6 << 30
OURS = "stagebox import"
# Ratios that tell at once what matters: what, divided by what.
RATIOS = (("podman load", OURS), ("umoci unpack", OURS), (OURS, "floor: inflate and both hashes, no files"),
          ("stagebox import again, copy of the file", "floor: one pass of hashing"))


@dataclasses.dataclass
class Contender:
    name: str
    command: list  # "{fs}" is the fresh file system
    before: list = dataclasses.field(default_factory=list)  # not measured
    environment: dict = dataclasses.field(default_factory=dict)


def stagebox(build, kind, images, name, again=""):
    home = {"STAGEBOX_HOME": "{fs}/home"}
    binary = str(build / "runtime/cli/stagebox")
    command = [binary, "image", "import", "--name", "bench", str(images / f"{kind}.tar")]
    if again == "same file":
        return Contender(name, command, [command], home)
    if again == "copy":
        copy = ["cp", str(images / f"{kind}.tar"), "{fs}/copy.tar"]
        # Read once: the copy is as warm as the archive.
        warm = ["sh", "-c", "cat {fs}/copy.tar >/dev/null"]
        return Contender(name, command[:-1] + ["{fs}/copy.tar"], [command, copy, warm], home)
    return Contender(name, command, [], home)


def tar_floor(kind, images):
    """The layers' directories side by side, two at a time, by the fastest tools there are."""
    inflate = {"gzip": "igzip -dc", "zstd": "zstd -dcq"}[kind]
    layout = images / kind
    manifest = json.loads((layout / "index.json").read_text(encoding="utf-8"))["manifests"][0]["digest"]
    layers = json.loads((layout / "blobs/sha256" / manifest[7:]).read_text(encoding="utf-8"))["layers"]
    blobs = " ".join(str(layout / "blobs/sha256" / layer["digest"][7:]) for layer in layers)
    unpack = f'd={{fs}}/$(basename "$1"); mkdir "$d" && {inflate} "$1" | tar -x -C "$d"'
    return Contender(f"floor: {inflate} | tar -x, layers in parallel",
                     ["sh", "-c", f"printf '%s\\n' {blobs} | xargs -n 1 -P {os.cpu_count()} sh -c '{unpack}' sh"])


def write_floor(images):
    """Nothing but writing the files: uncompressed layers, not hashed."""
    tars = " ".join(str(path) for path in sorted(images.glob("layer*.tar")))
    unpack = 'd={fs}/$(basename "$1").d; mkdir "$d" && tar -xf "$1" -C "$d"'
    return Contender("floor: tar -x of uncompressed layers in parallel",
                     ["sh", "-c", f"printf '%s\\n' {tars} | xargs -n 1 -P {os.cpu_count()} sh -c '{unpack}' sh"])


def contenders_for(kind, build, images):
    archive = str(images / f"{kind}.tar")
    floors = build / "tests/bench/images/inflate_and_hash"
    podman = ["podman", "--root", "{fs}/root", "--runroot", "{fs}/run", "--storage-driver", "overlay",
              "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
    found = [
        stagebox(build, kind, images, OURS),
        stagebox(build, kind, images, "stagebox import again, same file", "same file"),
        stagebox(build, kind, images, "stagebox import again, copy of the file", "copy"),
        Contender("floor: inflate and both hashes, no files", [str(floors), archive]),
        Contender("floor: one pass of hashing", [str(floors), "--stored", archive]),
        tar_floor(kind, images),
        write_floor(images),
        Contender("podman load", podman + ["load", "-q", "-i", archive]),
        Contender("skopeo copy to containers-storage", ["skopeo", "copy", "-q", "oci-archive:" + archive,
                                                        "containers-storage:[overlay@{fs}/root+{fs}/run]bench"]),
    ]
    if kind == "gzip":  # umoci of Debian 12 does not read zstd
        found.append(Contender("umoci unpack", ["umoci", "unpack", "--image", f"{images / kind}:bench", "{fs}/bundle"]))
    return found


def run(command, fs, environment):
    settings = {key: value.replace("{fs}", str(fs)) for key, value in environment.items()}
    done = subprocess.run([word.replace("{fs}", str(fs)) for word in command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=os.environ | settings, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {command[0]} failed: {done.stderr.decode(errors='replace')[-1000:]}")


def measure(contender, folder, point):
    """Seconds until it says that it is done, until all of it is on disk, and of processor time."""
    with FreshFileSystem(folder / "fs.img", point, FILE_SYSTEM_BYTES) as fs:
        for command in contender.before:
            run(command, fs, contender.environment)
        os.sync()
        used, start = processor_time(), time.monotonic()
        run(contender.command, fs, contender.environment)
        done, used = time.monotonic() - start, processor_time() - used
        subprocess.run(["sync", "-f", str(fs)], check=True)
        return done, time.monotonic() - start, used


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def summary(samples):
    medians = {}
    for name, times in samples.items():
        done, synced, used = zip(*times)
        medians[name] = {"median_s": statistics.median(done), "min_s": min(done), "max_s": max(done),
                         "median_on_disk_s": statistics.median(synced), "median_cpu_s": statistics.median(used),
                         "rounds": len(done)}
    ratios = {f"{one} / {other}": medians[one]["median_s"] / medians[other]["median_s"]
              for one, other in RATIOS if one in medians and other in medians}
    ours = medians.get(OURS)
    for row in medians.values():
        row["times_ours"] = row["median_s"] / ours["median_s"] if ours else None
        row["on_disk_times_ours"] = row["median_on_disk_s"] / ours["median_on_disk_s"] if ours else None
    return {"contenders": medians, "ratios": ratios}


def start_cost(build, images, folder, point):
    """Microseconds that a start pays for its image beside the mount."""
    with FreshFileSystem(folder / "fs.img", point, FILE_SYSTEM_BYTES) as fs:
        contender = stagebox(build, "gzip", images, OURS)
        run(contender.command, fs, contender.environment)
        found = subprocess.run([str(build / "tests/bench/images/start_cost"), str(fs / "home"), "bench"], check=True,
                               capture_output=True, text=True)
        return float(found.stdout)


def print_table(kind, summarised):
    rows = summarised["contenders"]
    print(f"\n{kind:50} {'median s':>9} {'min':>7} {'max':>7} {'/ ours':>7} {'on disk s':>10} {'/ ours':>7} {'cpu s':>7}")
    for name, row in rows.items():
        ratios = [f"{row[key]:7.2f}" if row[key] else "" for key in ("times_ours", "on_disk_times_ours")]
        print(f"{name:50} {row['median_s']:9.3f} {row['min_s']:7.3f} {row['max_s']:7.3f} {ratios[0]:>7} "
              f"{row['median_on_disk_s']:10.3f} {ratios[1]:>7} {row['median_cpu_s']:7.2f}")
    for name, ratio in summarised["ratios"].items():
        print(f"{name:90} {ratio:7.2f}")


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    return {"kernel": platform.release(), "cpus": os.cpu_count(), "processor": model, "load": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser(prog="bench images", description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=660, help="size of the image, unpacked")
    parser.add_argument("--kinds", default="gzip,zstd", help="of compression, separated by commas")
    parser.add_argument("--only", default="", help="contenders whose name contains one of these, separated by commas")
    parser.add_argument("--json", type=pathlib.Path, help="also write the result to this file")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: only root can make and mount the file systems that are measured on")
    enter_private_mounts()

    images = options.build_dir.resolve().parent / "bench" / f"images-{options.megabytes}"
    if images.exists() and not (images / "facts.json").exists():
        shutil.rmtree(images)  # was interrupted
    facts = make_image.make_images(images, options.megabytes << 20)
    for archive in images.glob("*.tar"):
        archive.read_bytes()  # into the page cache
    result = {"machine": machine(), "image": facts, "kinds": {}}
    print("machine:", json.dumps(result["machine"]))
    print("image:", json.dumps(facts))
    wanted = options.only.split(",")
    with tempfile.TemporaryDirectory(dir=images.parent) as folder, tempfile.TemporaryDirectory(prefix="sb-") as point:
        for kind in options.kinds.split(","):
            chosen = [contender for contender in contenders_for(kind, options.build_dir.resolve(), images)
                      if any(part in contender.name for part in wanted)]
            samples = {contender.name: [] for contender in chosen}
            for _ in range(options.rounds):
                for contender in chosen:
                    sample = measure(contender, pathlib.Path(folder), pathlib.Path(point))
                    samples[contender.name].append(sample)
                    print(f"{kind}: {contender.name}: {sample[0]:.3f} s, {sample[2]:.2f} s of cpu", file=sys.stderr)
            result["kinds"][kind] = summary(samples)
            print_table(kind, result["kinds"][kind])
        result["start_us"] = start_cost(options.build_dir.resolve(), images, pathlib.Path(folder), pathlib.Path(point))
        print(f"\nstart from an imported image, beside the mount: {result['start_us']:.0f} us")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
