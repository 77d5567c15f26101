"""What the user gave is wrong: one clear message, the right exit status, nothing half done."""

import json
import unittest

from harness import ProjectTest, make_image


class BadInputTest(ProjectTest):
    def refused(self, status, *words, command=("run",)):
        result = self.run_stagebox(*command)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        return result

    def test_all_mistakes_are_told_at_once_with_their_places(self):
        self.pipeline("  make: {run: 'true', imag: bb, outputs: {x: ../x}, needs: [mak]}\n")
        self.refused(2, "stagebox.yaml:6:", "`imag`", "`image`", "..", "`mak`")
        self.assertFalse(self.home.exists(), "nothing was begun")

    def test_a_check_tells_programs_all_mistakes(self):
        self.pipeline("  make: {run: 'true', imag: bb, needs: [mak]}\n")
        checked = self.run_stagebox("check", "--json", "--param", "a=b")
        self.assertEqual((checked.returncode, checked.stderr), (2, ""))
        answer = json.loads(checked.stdout)
        self.assertIs(answer["valid"], False)
        told = [(mistake["file"], mistake.get("line"), mistake.get("column")) for mistake in answer["mistakes"]]
        self.assertEqual(told, [("stagebox.yaml", None, None), ("stagebox.yaml", 6, 23), ("stagebox.yaml", 6, 41)])
        self.assertIn("`imag`", answer["mistakes"][1]["message"])
        self.assertEqual(answer["mistakes"][1]["hint"], "did you mean `image`?")
        self.pipeline("".join(f"  s{i}: {{run: 1, x: y}}\n" for i in range(250)))
        answer = json.loads(self.run_stagebox("check", "--json").stdout)
        self.assertEqual((len(answer["mistakes"]), answer["left_out"]), (200, 50))
        self.pipeline("  make: {run: 'true'}\n")
        checked = self.run_stagebox("check", "--json")
        self.assertEqual(checked.returncode, 0)
        self.assertEqual(json.loads(checked.stdout),
                         {"file": str(self.project / "stagebox.yaml"), "stages": 1, "valid": True})

    def test_names_that_are_not_there_come_with_those_that_are(self):
        for command in (["show", "last"], ["resume", "last"]):
            self.refused(2, "there are no runs yet", command=command)
        self.refused(2, "no image \"nope\"; `stagebox image list` lists them", command=("image", "inspect", "nope"))
        self.pipeline("  build: {matrix: {on: [gcc, clang]}, run: 'true'}\n  test: {run: 'true'}\n" +
                      "".join(f"  other-{i}: {{run: 'true'}}\n" for i in range(9)))
        self.refused(2, "has no stage `tset`; did you mean `test`?", command=("run", "--stage", "tset"))
        self.refused(2, "has no stage `biuld`; did you mean `build`?", command=("run", "--stage", "biuld"))
        self.refused(2, "has no stage `nonsense`; `stagebox graph` shows them", command=("run", "--stage", "nonsense"))
        self.assertEqual(self.run_stagebox("run").returncode, 0)
        for command, status in (("show", 2), ("logs", 2), ("explain", 2), ("shell", 125)):
            self.refused(status, "has no stage \"build\"; there are `build[clang]`, `build[gcc]`",
                         command=(command, "last", "build"))
            self.refused(status, "has no stage \"tset\"; did you mean `test`?", command=(command, "last", "tset"))
            self.refused(status, "has no stage \"nonsense\"; `stagebox show ", "` lists them",
                         command=(command, "last", "nonsense"))

    def test_there_is_no_pipeline(self):
        self.refused(2, "no pipeline file")

    def test_a_missing_input(self):
        self.pipeline("  make: {inputs: {src: {path: nowhere}}, run: 'true'}\n")
        self.refused(2, "nowhere")
        self.assertEqual(self.leftovers(), [])

    def test_an_input_that_leaves_the_project_by_a_link(self):
        (self.project / "out").symlink_to("/etc")
        self.pipeline("  make: {inputs: {src: {path: out}}, run: 'true'}\n")
        self.refused(2, "out")

    def test_a_truncated_image(self):
        data = (self.project / "bb.tar").read_bytes()
        self.pipeline("  make: {run: 'true'}\n")
        for part in (0, 100, len(data) // 2, len(data) - 20000):
            (self.project / "bb.tar").write_bytes(data[:part])
            self.refused(2, "bb")
        self.assertEqual(self.leftovers(), [])

    def test_a_tampered_image(self):
        data = bytearray((self.project / "bb.tar").read_bytes())
        data[len(data) // 2] ^= 1
        (self.project / "bb.tar").write_bytes(data)
        self.pipeline("  make: {run: 'true'}\n")
        self.refused(2, "bb")

    def test_an_image_for_another_architecture(self):
        make_image(self.project, "bb.tar", "--architecture", "s390x")
        self.pipeline("  make: {run: 'true'}\n")
        self.refused(2, "bb", "linux/s390x", "this machine is linux/")
        self.assertEqual(self.leftovers(), [])

    def test_another_image_than_the_pinned_one(self):
        self.pipeline("  make: {image: pinned, run: 'true'}\n")
        text = (self.project / "stagebox.yaml").read_text()
        self.write("stagebox.yaml", text.replace(
            "images: {", "images: {pinned: {tarball: bb.tar, digest: 'sha256:" + "0" * 64 + "'}, "))
        self.refused(2, "0" * 64)

    def test_options_that_are_none(self):
        self.refused(2, "--help", command=("run", "--bogus"))
        self.refused(2, "--help", command=("nonsense",))
        self.refused(2, "--help", command=())


if __name__ == "__main__":
    unittest.main()
