"""Runs clang-tidy over the translation units of a build directory, some at a time, and remembers which were clean.

Most of the time goes into the headers of the system, which are the same for all. So several sources are read as one:
one after the other in a single file, not by #include, because some checks look at nothing but the main file. When
such a batch is not clean, the sources of which something is said are read again alone, and only that counts; when its
sources cannot stand together (two helpers of one name), its halves are read, down to single sources.

The memory is a directory of empty files. Their names are digests of all that the result depends on: the program,
the .clang-tidy files, the command, the source, and every header of ours that it includes, directly or not.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

CLANG_TIDY = "clang-tidy-19"
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
ENTRY_POINT = re.compile(rb'^(int main|extern "C" int LLVMFuzzerTestOneInput)\(', re.MULTILINE)
BATCH = 8  # sources; more do not make it faster, and a finding dearer
FORGET_AFTER = 60 * 24 * 3600  # seconds without use


def read_units(build_dir, root):
    """The commands for our own sources; generated ones lie in the build directory."""
    units = json.loads((build_dir / "compile_commands.json").read_text(encoding="utf-8"))
    for unit in units:
        path = pathlib.Path(unit["directory"], unit["file"]).resolve()
        if path.is_relative_to(root) and not path.is_relative_to(build_dir):
            yield path, unit.get("command") or " ".join(unit["arguments"])


@functools.cache
def includes(path, root):
    """What one file includes of ours. Includes are written from the root, or beside the file."""
    found = []
    for name in INCLUDE.findall(path.read_bytes()):
        candidates = (candidate for base in (root, path.parent) if (candidate := base / name.decode()).is_file())
        found.extend(list(candidates)[:1])
    return found


def closure(source, root):
    """`source` and all that it includes of ours, directly or not."""
    seen, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(includes(path, root))
    return sorted(seen)


@functools.cache
def content_digest(path, root):
    return str(path.relative_to(root)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest()


@functools.cache
def message_definitions(root):
    """They change what generated headers declare."""
    return sorted(root.rglob("runtime/**/*.proto"))


def configurations(source, root):
    """The .clang-tidy files that apply, from the root to the source's folder."""
    folders = [folder for folder in source.parents if folder.is_relative_to(root)]
    return [folder / ".clang-tidy" for folder in reversed(folders) if (folder / ".clang-tidy").is_file()]


def digest_of(source, command, root, version):
    digest = hashlib.sha256(version + command.encode())
    for path in configurations(source, root) + closure(source, root) + message_definitions(root):
        digest.update(content_digest(path, root))
    return digest.hexdigest()


def run_tidy(arguments):
    result = subprocess.run([CLANG_TIDY, "--quiet", *arguments], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    # "N warnings generated." counts what was filtered.
    output = re.sub(rb"^\d+ warnings?( and \d+ errors?)? generated\.\n", b"", result.stdout, flags=re.MULTILINE)
    return result.returncode == 0, output.decode(errors="replace")


def compiler_flags(command):
    """The command without the compiler, the source and the object."""
    words = iter(shlex.split(command)[1:])
    flags = []
    for word in words:
        if word == "-o":
            next(words)
        elif word != "-c" and not word.endswith(".cc"):
            flags.append(word)
    return tuple(flags)


def stands_alone(source):
    """Whether it cannot be read together with others: it has main, or an #include twice, which a check has to see."""
    text = source.read_bytes()
    names = INCLUDE.findall(text)
    return ENTRY_POINT.search(text) is not None or len(names) != len(set(names))


def make_batches(todo, root):
    """Lists of sources that are compiled and checked alike."""
    alike = {}
    for source, command in todo:
        key = (configurations(source, root)[-1], compiler_flags(command), source if stands_alone(source) else None)
        alike.setdefault(key, []).append(source)
    return [(flags, sources[i:i + BATCH])
            for (_, flags, _), sources in alike.items() for i in range(0, len(sources), BATCH)]


def run_together(build_dir, flags, sources):
    folder = build_dir / "tidy-batches"
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256("\0".join(map(str, sources)).encode()).hexdigest()[:16]
    # The configuration is looked for beside the file: say what it is beside the sources.
    config = subprocess.run([CLANG_TIDY, "--dump-config", sources[0], "--"], stdout=subprocess.PIPE, check=True).stdout
    (folder / f"{name}.config").write_bytes(config)
    batch = folder / f"{name}.cc"
    batch.write_bytes(b"".join(f'#line 1 "{path}"\n'.encode() + path.read_bytes() for path in sources))
    # An #include of two sources is not one that stands twice; stands_alone() has looked for those.
    return run_tidy([f"--config-file={folder / name}.config", "--checks=-readability-duplicate-include", batch,
                     "--", *flags])


def run_batch(build_dir, flags, sources):
    """Whether each source is clean, and what is said about it."""
    if len(sources) == 1:
        return {sources[0]: run_tidy(["-p", build_dir, sources[0]])}
    clean, output = run_together(build_dir, flags, sources)
    if clean:
        return {source: (True, "") for source in sources}
    named = set(re.findall(r"^(\S+?):\d+:\d+: (?:warning|error): ", output, re.MULTILINE))
    suspects = [source for source in sources if str(source) in named]
    # What is said about a header may be the fault of any of them.
    if "[clang-diagnostic-error]" not in output and len(suspects) == len(named) > 0:
        result = {source: (True, "") for source in sources}
        for source in suspects:
            result |= run_batch(build_dir, flags, [source])
        return result
    middle = len(sources) // 2
    return run_batch(build_dir, flags, sources[:middle]) | run_batch(build_dir, flags, sources[middle:])


def forget_old(memory):
    for path in memory.iterdir():
        if time.time() - path.stat().st_mtime > FORGET_AFTER:
            path.unlink(missing_ok=True)


def check_all(options, root):
    version = subprocess.run([CLANG_TIDY, "--version"], stdout=subprocess.PIPE, check=True).stdout
    options.memory.mkdir(parents=True, exist_ok=True)
    forget_old(options.memory)
    # Named from where the user is, or from the root.
    wanted = {(path if path.exists() else root / path).resolve() for path in options.files}
    # A source of several programs is compiled by several commands; one says enough.
    units = sorted(dict(reversed(list(read_units(options.build_dir, root)))).items())
    unknown = wanted - {source for source, _ in units}
    for path in sorted(unknown):
        print(f"clang-tidy: {path} is not compiled by the build in {options.build_dir}, so it cannot be checked")
    todo, marks, known = [], {}, 0
    for source, command in units:
        if wanted and source not in wanted:
            continue
        marks[source] = options.memory / digest_of(source, command, root, version)
        if marks[source].exists():
            marks[source].touch()
            known += 1
        else:
            todo.append((source, command))
    bad = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # The longest first, so that none is left alone at the end.
        batches = sorted(make_batches(todo, root), key=lambda batch: -len(batch[1]))
        started = [pool.submit(run_batch, options.build_dir, flags, sources) for flags, sources in batches]
        for future in concurrent.futures.as_completed(started):
            for source, (clean, output) in future.result().items():
                if clean:
                    marks[source].touch()
                else:
                    bad.append(source)
                    print(output, flush=True)
    print(f"clang-tidy: {len(todo) - len(bad)} clean, {known} known to be clean, {len(bad)} with findings")
    for source in sorted(bad):
        print(f"  {source.relative_to(root)}")
    return not bad and not unknown


def main():
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--memory", type=pathlib.Path, default=cache / "stagebox-tidy")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", type=pathlib.Path, nargs="*", help="only these; all without")
    options = parser.parse_args()
    options.build_dir = options.build_dir.resolve()
    root = pathlib.Path(__file__).resolve().parents[2]
    return 0 if check_all(options, root) else 1


if __name__ == "__main__":
    sys.exit(main())
