"""Checks a gzip program against Python's zlib, in both directions, and writes the results as TAP."""

import gzip
import random
import subprocess
import sys


def samples():
    """Contents that exercise different code paths of deflate, the same in every run."""
    noise = random.Random(20220407)
    yield "empty", b""
    yield "one byte", b"x"
    yield "zeros", bytes(1 << 20)
    yield "text", b"the quick brown fox jumps over the lazy dog\n" * 20000
    yield "noise", noise.randbytes(1 << 20)
    yield "long matches", noise.randbytes(32768) * 40
    yield "every byte value", bytes(range(256)) * 500


def filtered(program, arguments, data):
    return subprocess.run([program, *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def checks(program):
    for name, data in samples():
        for level in (1, 6, 9):
            packed = filtered(program, [f"-{level}n"], data)
            yield f"zlib reads {name}, level {level}", gzip.decompress(packed) == data
        yield f"gzip reads {name} from zlib", filtered(program, ["-d"], gzip.compress(data, mtime=0)) == data
    members = gzip.compress(b"first ", mtime=0) + gzip.compress(b"second", mtime=0)
    yield "gzip reads two members", filtered(program, ["-d"], members) == b"first second"


def main(program, output):
    results = list(checks(program))
    with open(output, "w", encoding="utf-8") as tap:
        print(f"1..{len(results)}", file=tap)
        for number, (name, passed) in enumerate(results, 1):
            print(f"{'ok' if passed else 'not ok'} {number} - {name}", file=tap)
    print(f"{sum(passed for _, passed in results)} of {len(results)} checks passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
