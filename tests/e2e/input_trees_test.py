"""Input trees: what of a directory a stage sees, compared with git; and that it sees what was hashed."""

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import unittest

from harness import STAGEBOX, ProjectTest

LIST = "cd src && find . -type f -o -type l | sort"

# What random patterns are made of, how their lines begin and end, and names that some of them match.
PIECES = ("a b c ab . / / * ** *** ? [ab] [!a] [^a] [a-c] [c-a] [a-c-e] []a] [a-] [--a] [\\]] [a/b] [[:alpha:]] [[:punct:]] "
          "[[:a] [[:] [: [ ] - : \\ \\\\ \\/ ! # // **/ /** /**/").split() + [" ", "\\ ", "\t", "\r", "\0"]
BEGINS = [""] * 6 + ["!", "/"]
ENDS = ["\n"] * 6 + ["/\n", "//\n", "\r\n", " \n", "\\  \n", "\\\\ \n", "\\\n", ""]
NAMES = ["a", "b", "c", "ab", "aa", "abc", "ba", ".a", "a.b", "d", "-", ":", "!", "#", "[", "]", "[a", ":a", "*", "**", "?", "\\",
         "a\\", "a ", " "]
# Where the program does not follow git's manual, and we do.
STARS_IN_A_NAME = re.compile(r"(?<=[^/*\n])(?<!^!)\*\*+(\\?/|[ \r\0]|$)", re.MULTILINE)


def random_ignore_file(rng):
    while True:
        lines = [rng.choice(BEGINS) + "".join(rng.choices(PIECES, k=rng.randint(1, 5))) + rng.choice(ENDS)
                 for _ in range(rng.choice([1, 1, 1, 2, 3, 5]))]
        text = rng.choice(["", "", "*\n!*/\n", "a\nb/\n"]) + "".join(lines)
        if not STARS_IN_A_NAME.search(text):
            return text


def random_tree(rng, depth=0):
    """The paths of its files."""
    paths = []
    for name in rng.sample(NAMES, 6 - 2 * depth):
        is_directory = depth < 2 and rng.random() < 0.25
        paths += [f"{name}/{path}" for path in random_tree(rng, depth + 1)] if is_directory else [name]
    return paths


class InputTreesTest(ProjectTest):
    def seen(self, source):
        """What a stage sees of the input that is described so."""
        self.pipeline(f"  look: {{inputs: {{src: {source}}}, run: '{LIST}'}}\n")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return [line[2:] for line in self.run_stagebox("logs", "last", "look").stdout.splitlines()]

    def fill(self, *names):
        for name in names:
            self.write("tree/" + name, name)

    def test_git_is_left_out_unless_it_is_asked_for(self):
        self.fill(".git/config", "sub/.git", "a", ".gitignore")
        self.assertEqual(self.seen("{path: tree}"), [".gitignore", "a"])
        self.assertEqual(self.seen("{path: tree, exclude: ['!.git']}"), [".git/config", ".gitignore", "a", "sub/.git"])

    def test_exclude_and_include(self):
        self.fill("a.c", "a.o", "keep.o", "lib/b.c", "lib/b.o", "out/x", "lib/out/y", "doc/[1].txt")
        self.assertEqual(self.seen("{path: tree, exclude: ['*.o', '!keep.o', /out, '[[]*']}"),
                         ["a.c", "keep.o", "lib/b.c", "lib/out/y"])
        self.assertEqual(self.seen("{path: tree, include: ['*.c', lib/out]}"), ["a.c", "lib/b.c", "lib/out/y"])
        self.assertEqual(self.seen("{path: tree, include: [lib/, '!*.o'], exclude: [out]}"), ["lib/b.c"])

    def kept_by_git(self):
        git = ["git", "-c", "init.defaultBranch=main", "-c", "core.excludesFile=/dev/null"]
        subprocess.run([*git, "init", "-q"], cwd=self.project, check=True)
        listed = subprocess.run([*git, "ls-files", "-z", "--others", "--exclude-standard", "tree"], cwd=self.project,
                                check=True, capture_output=True, text=True).stdout
        return sorted(name[len("tree/"):] for name in listed.split("\0") if name)

    @unittest.skipUnless(shutil.which("git"), "no git to compare with")
    def test_what_cannot_be_an_input_is_the_stages_failure(self):
        for name, words in ((b"pipe", '"pipe" is a fifo'), (b"\xff", 'UTF-8')):
            with self.subTest(name=name):
                self.fill("a")
                wrong = os.path.join(os.fsencode(self.project), b"tree", name)
                os.mkfifo(wrong) if name == b"pipe" else open(wrong, "w").close()
                self.pipeline("  look: {inputs: {src: {path: tree}}, retry: {attempts: 3, backoff: 1ms, on: [infrastructure]}, run: ls}\n")
                result = self.run_stagebox("run")
                os.unlink(wrong)
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                self.assertIn(words, result.stdout)
                self.assertIn(f'the input "{self.project}/tree"', result.stdout)
                self.assertNotIn("attempts", result.stdout)

    def test_a_gitignore_file_that_cannot_be_read_is_not_passed_over(self):
        for place in (".gitignore", "tree/.gitignore"):
            with self.subTest(place=place):
                self.fill("a")
                self.write(".gitignore", "*.secret\n")
                self.write(place, "# a remark\n" * 100_000)
                self.pipeline("  look: {inputs: {src: {path: tree, gitignore: true}}, run: ls}\n")
                result = self.run_stagebox("run")
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                self.assertIn('.gitignore": larger than the limit', result.stdout)

    def test_gitignore_files_mean_what_they_mean_to_git(self):
        self.write(".gitignore", "*.top\n/tree/rooted\nrooted2\n")
        self.fill("a.top", "rooted", "rooted2", "x.o", "d/x.o", "d/keep.o", "d/e/x.o", "d/e/deep.o", "build/x", "d/build/y",
                  "n/logs/1", "n/logs/2.keep", "b/file", "t/s/u/v", "t/u", "spaces ", "#hash", "!bang", "c1", "c2", "cx",
                  "star/a/b/c", "star/c", "dir/only/f", "only")
        self.write("tree/.gitignore", "# a remark\n*.o\n!keep.o\n/build/\nlogs/*\n!*.keep\nb/\n!b/file\nt/**/v\n"
                   "spaces\\ \n\\#hash\n\\!bang\nc[0-9]\nstar/**\n!star/c\nonly/\n[bad\n\n   \n")
        self.write("tree/d/.gitignore", "!x.o\nbuild\n")
        self.write("tree/d/e/.gitignore", "x.o\n")
        expected = self.kept_by_git()
        self.assertIn("d/x.o", expected)
        self.assertNotIn("d/e/x.o", expected)
        self.assertEqual(self.seen("{path: tree, gitignore: true}"), expected)
        self.assertIn("x.o", self.seen("{path: tree, gitignore: true, exclude: ['!/x.o']}"))

    @unittest.skipUnless(shutil.which("git"), "no git to compare with")
    def test_random_gitignore_files_mean_what_they_mean_to_git(self):
        rng = random.Random(20261130)
        for case in range(250):
            paths = random_tree(rng)
            for path in paths:
                self.write(f"tree/{case}/{path}", "")
            folders = {path.rpartition("/")[0] for path in paths if "/" in path}
            for folder in ["", *(folder for folder in sorted(folders) if rng.random() < 0.2)]:
                self.write(f"tree/{case}/{folder}/.gitignore", random_ignore_file(rng))
        expected, seen = self.kept_by_git(), self.seen("{path: tree, gitignore: true}")
        for path in sorted(set(expected) ^ set(seen)):
            case = path.split("/")[0]
            files = {str(file): file.read_bytes() for file in (self.project / "tree" / case).glob("**/.gitignore")}
            self.fail(f"{path!r} is {'kept' if path in expected else 'ignored'} by git; {files}")
        self.assertGreater(len(seen), 500)

    def test_links_that_leave_the_tree_stay_links(self):
        self.fill("a")
        (self.dir / "secret").write_text("secret")
        os.symlink("../../secret", self.project / "tree/out")
        os.symlink("/etc/passwd", self.project / "tree/absolute")
        os.symlink("..", self.project / "tree/up")
        self.pipeline("  look: {inputs: {src: {path: tree}}, "
                      "run: 'ls -l src; ! cat src/out; ls src/up > up; ls /workspace > here'}\n")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        log = self.run_stagebox("logs", "last", "look").stdout
        for link in ("out -> ../../secret", "absolute -> /etc/passwd", "up -> .."):
            self.assertIn(link, log)
        os.symlink("../..", self.project / "outside")
        self.pipeline("  look: {inputs: {src: {path: outside}}, run: 'ls src'}\n")
        refused = self.run_stagebox("run")
        self.assertNotEqual(refused.returncode, 0)

    def test_a_stage_sees_what_was_hashed_whatever_happens_meanwhile(self):
        self.fill(*(f"f{i}" for i in range(200)))
        stop = threading.Event()

        def scribble():
            number = 0
            while not stop.is_set():
                number += 1
                for i in range(200):
                    (self.project / f"tree/f{i}").write_text(f"{number}\n" * 50)
                    if i % 20 == 0:
                        (self.project / f"tree/new{i}").write_text("x")
                        (self.project / f"tree/new{i}").unlink(missing_ok=True)

        writer = threading.Thread(target=scribble)
        writer.start()
        try:
            self.pipeline("""
  one: {cache: never, inputs: {src: {path: tree}}, run: "sleep 0.2; cat src/* > out", outputs: {out: out}}
""")
            for _ in range(2):
                result = self.run_stagebox("run")
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        finally:
            stop.set()
            writer.join()
        # What is stored is what was hashed.
        for blob in self.home.glob("cas/blobs/??/*"):
            self.assertEqual(hashlib.sha256(blob.read_bytes()).hexdigest(), blob.name.removesuffix(".x"))


    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare") and shutil.which("mkfs.erofs"),
                         "mounting images needs root and mkfs.erofs (package erofs-utils)")
    def test_an_image_in_the_place_of_another_is_noticed(self):
        """Its files have the same inode, size and times, and most often the same device."""
        self.pipeline("  make: {inputs: {src: {path: src}, f: {path: src/f}}, run: 'cat src/f f > out', outputs: {o: out}}\n")
        (self.project / "src").mkdir()
        for version in "12":
            folder = self.dir / version
            folder.mkdir()
            (folder / "f").write_text(f"version {version}\n")
            subprocess.run(["mkfs.erofs", "-T1700000000", self.dir / f"{version}.img", folder], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Not by mount(8), which takes a loop device: from Linux 6.12 on none is needed.
        mount = "import ctypes, sys; sys.exit(ctypes.CDLL(None).mount(sys.argv[1].encode(), b'src', b'erofs', 1, None) and 77)"
        script = f"""
set -eu
for version in 1 2 2; do
  # The lowest device that is free, which others take meanwhile.
  for try in {{1..50}}; do
    {sys.executable} -c "{mount}" {self.dir}/$version.img
    device=$(stat -c %d src/f)
    [ "$device" != "${{first:=$device}}" ] && [ $try -lt 50 ] || break
    umount src
    sleep 0.1
  done
  stat -c '%i %s %Y %Z' src/f >> {self.dir}/stamps
  {STAGEBOX} run > {self.dir}/told
  {STAGEBOX} artifacts last make.o - >> {self.dir}/made
  umount src
done
"""
        result = subprocess.run(["unshare", "-m", "bash", "-c", script], cwd=self.project, env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode == 77:
            self.skipTest("this kernel mounts no EROFS image from a file")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(len(set((self.dir / "stamps").read_text().splitlines())), 1, "else it would be no art")
        self.assertEqual((self.dir / "made").read_text(), "version 1\n" * 2 + "version 2\n" * 4)
        self.assertIn("cached", (self.dir / "told").read_text(), "by what is in it")

    def test_times_say_nothing_of_when_it_was_stored(self):
        self.fill("file", "dir/below")
        os.symlink("file", self.project / "tree/link")
        self.pipeline("""
  look:
    inputs: {ro: {path: tree}, view: {path: tree, mode: overlay}}
    run: "for i in ro view; do busybox stat -c '%Y %n' $i $i/file $i/link $i/dir $i/dir/below; done"
""")
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        told = [line.split() for line in self.run_stagebox("logs", "last", "look").stdout.splitlines()]
        self.assertEqual(len(told), 10)
        self.assertEqual({time for time, _ in told}, {"946684800"}, told)

    def test_a_cancelled_run_stops_reading_its_inputs(self):
        self.fill("small")
        with open(self.project / "tree" / "big", "wb") as file:
            file.truncate(3 << 30)
        for path in ("tree", "tree/big"):
            self.pipeline(f"  look: {{inputs: {{src: {{path: {path}}}}}, run: 'true'}}\n")
            process = self.start("run")
            while not list(self.home.glob("cas/tmp/*/incoming")):
                self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 130, out + err)
            self.assertEqual(self.states(), {"look": "cancelled"})
            stored = [file for file in self.home.glob("cas/blobs/*/*") if file.stat().st_size == 3 << 30]
            self.assertEqual(stored, [], "it was read to its end")
            self.assertEqual(list(self.home.glob("cas/tmp/*")), [])
            self.assertEqual(self.leftovers(), [])


if __name__ == "__main__":
    unittest.main()
