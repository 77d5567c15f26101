"""Where a secret is in the memory of those who handle it. Only the superuser can look into it."""

import os
import pathlib
import re
import shutil
import time
import unittest

from harness import ProjectTest
from secret_samples import FORMS, VALUE

# A mapping of that size is not memory but what AddressSanitizer keeps about it.
SHADOW = 1 << 32


class SecretMemoryTest(ProjectTest):
    def setUp(self):
        super().setUp()
        self.environment["GIVEN"] = VALUE

    def memory_with(self, process):
        """Where this process has the secret in its memory: for each mapping, what the kernel says of it."""
        mappings, place = [], None
        for line in pathlib.Path(f"/proc/{process}/smaps").read_text().splitlines():
            if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
                begin, end = (int(text, 16) for text in line.split()[0].split("-"))
                place = (begin, end - begin, line)
            elif line.startswith("VmFlags:") and " rd " in line and "[v" not in place[2]:
                mappings.append((*place, line.split()[1:]))
        is_sanitized = any(size > SHADOW for _, size, _, _ in mappings)
        found = []
        with open(f"/proc/{process}/mem", "rb") as memory:
            for begin, size, mapping, flags in mappings:
                if size > SHADOW:
                    continue
                memory.seek(begin)
                try:
                    data = memory.read(size)
                except OSError:
                    continue
                if is_sanitized and "[stack]" not in mapping:  # it has a copy of the environment for itself
                    data = data.replace(b"GIVEN=" + VALUE.encode() + b"\0", b"")
                if any(form in data for form in FORMS[:1] + FORMS[-1:]):
                    found.append((mapping, flags))
        return found

    def test_it_is_in_locked_memory_only(self):
        """Also where it came from is zeroed."""
        self.write("token", VALUE)
        pipeline = """
  make:
    cache: never
    secrets: [DECLARED]
    run: |
      echo "words before it: $(cat /run/secrets/TOKEN)"; sleep 0.5; echo it; sleep 100
"""
        for source, declared in (("env:GIVEN", "TOKEN"), ("file:token", "TOKEN"), ("file:token", "{name: TOKEN, env: TOKEN}")):
            with self.subTest(source, declared=declared):
                self.pipeline(pipeline.replace("DECLARED", declared))
                self.look_at_memory_of(self.start("run", "--secret", "TOKEN=" + source))
                self.environment.pop("GIVEN", None)

    def look_at_memory_of(self, process):
        self.addCleanup(process.kill)
        said = self.home / "logs"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(b"it\n" in path.read_bytes() for path in said.glob("*/make.log")):
            time.sleep(0.05)
        found = self.memory_with(process.pid)
        children = [int(name) for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir()
                    for name in (task / "children").read_text().split()]
        in_children = [self.memory_with(child) for child in children]
        process.terminate()
        process.communicate(timeout=60)
        shutil.rmtree(said)
        self.assertTrue(found, "it can be found where it is")
        for mapping, flags in found:
            self.assertTrue({"lo", "dd", "dc"} <= set(flags), (mapping, flags))
        self.assertEqual(in_children, [[]] * max(len(children), 1))


if __name__ == "__main__":
    unittest.main()
