"""A user with a single id: root in the sandbox works, any other id is refused before anything of it runs."""

import json
import unittest

from harness import ProjectTest, make_image


class NoSubordinateIdsTest(ProjectTest):
    def test_another_id_than_root_is_refused_with_the_remedy(self):
        self.pipeline("""
  other: {user: "1000", run: "echo it ran"}
  root: {run: "id -u"}
""")
        result = self.run_stagebox("run")
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        for words in ("id 1000", "only root (0) exists", "/etc/subuid"):
            self.assertIn(words, result.stdout)
        self.assertEqual(self.states(), {"other": "error", "root": "succeeded"})
        self.assertEqual(self.run_stagebox("logs", "last", "root").stdout, "0\n")
        self.assertEqual(self.leftovers(), [])

    def test_a_change_of_owner_fails_and_says_so(self):
        script = "touch f; chown 1:1 f && echo changed; busybox chgrp 1 f && echo changed; chown 0:0 f && echo kept; busybox su web -c true && echo became"
        result = self.run_stagebox("exec", "--image", "bb.tar", "--workdir", "/tmp", "--capability", "CHOWN", "--capability", "SETUID", "--capability", "SETGID",
                                   "--", "sh", "-c", script)
        self.assertEqual(result.stdout, "kept\n", result.stderr)
        self.assertEqual(result.stderr.count("Invalid argument"), 2, result.stderr)

    def test_each_import_says_what_the_image_loses(self):
        lost = "every file of an image belongs to root in the sandbox"
        self.assertEqual(self.run_stagebox("exec", "--image", "bb.tar", "--", "true").stderr.count(lost), 1)
        self.assertEqual(self.run_stagebox("image", "import", "--name", "again", "bb.tar").stderr.count(lost), 1)
        self.assertEqual(self.run_stagebox("exec", "--image", "again", "--", "true").stderr, "")
        # Once, however many there are.
        make_image(self.project, "other.tar", files=[("etc/other", "other")])
        self.pipeline("  s: {image: o, run: 'true'}\n  t: {run: 'true'}\n")
        file = self.project / "stagebox.yaml"
        file.write_text(file.read_text().replace("images: {", "images: {o: {tarball: other.tar}, "))
        result = self.run_stagebox("run")
        self.assertEqual((result.returncode, result.stderr.count(lost)), (0, 1), result.stderr)

    def test_the_doctor_says_so(self):
        told = json.loads(self.run_stagebox("doctor", "--json").stdout)
        mapping = next(item for item in told if item["name"] == "id mapping")
        self.assertEqual(mapping["state"], "degraded")
        self.assertIn("--add-subuids", mapping["remedy"])


if __name__ == "__main__":
    unittest.main()
