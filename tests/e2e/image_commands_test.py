"""The commands about stored images: what they tell, to persons and to programs, and what they repair."""

import io
import json
import os
import subprocess
import tarfile
import unittest

from harness import ProjectTest
from image_samples import entry, layer, write_layout
from image_test_case import damage


class ImageCommandsTest(ProjectTest):
    def ok(self, *arguments):
        done = self.run_stagebox(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def told(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))

    def layout(self, name, *contents):
        """An image of a layer for each content."""
        path = self.project / name
        write_layout(path, [layer(lambda tar, text=text: entry(tar, text, content=text.encode())) for text in contents])
        return path

    def test_list_tells_what_is_shared_and_when_it_was_used(self):
        for name, contents in (("one", ("base", "one")), ("two", ("base", "two"))):
            self.ok("image", "import", self.layout(name, *contents))
        self.assertEqual(self.run_stagebox("exec", "--image", "one", "--", "/none").returncode, 127)
        images = {image["names"][0]: image for image in self.told("image", "list")}
        self.assertEqual(set(images), {"one", "two"})
        for image in images.values():
            self.assertEqual(image["shared_size"] + image["unique_size"], image["size"])
            self.assertGreater(image["shared_size"], 0)
            self.assertGreater(image["unique_size"], 0)
            self.assertEqual([one["images"] for one in image["layer_details"]], [2, 1])
            self.assertRegex(image["imported"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIsNone(images["two"]["last_used"])
        self.assertIsNotNone(images["one"]["last_used"])
        lines = self.ok("image", "list").splitlines()
        self.assertEqual(lines[0].split(), ["IMAGE", "SIZE", "SHARED", "UNIQUE", "CREATED", "IMPORTED", "USED", "NAMES"])
        self.assertEqual(len(lines), 3)

    def test_a_run_notes_the_use_of_its_images(self):
        self.pipeline("  s: {run: 'true'}\n")
        self.ok("run")
        self.assertIsNotNone(self.told("image", "list")[0]["last_used"])

    def test_gc_forgets_images_that_nobody_named_or_used(self):
        self.assertEqual(self.run_stagebox("exec", "--image", "bb.tar", "--", "true").returncode, 0)
        self.ok("image", "import", self.layout("named", "base"))
        self.assertEqual(self.told("gc")["images"], 0)
        self.assertEqual(self.told("gc", "--max-image-size", "1GiB")["images"], 0)
        done = self.told("gc", "--max-image-size", "1kB")
        self.assertEqual((done["images"], done["layers"]), (1, 1))
        self.assertEqual(self.run_stagebox("exec", "--image", "bb.tar", "--", "true").returncode, 0)
        self.assertEqual(self.told("gc", "--keep", "0s")["images"], 1)
        self.assertEqual([image["names"] for image in self.told("image", "list")], [["named"]])

    def test_gc_leaves_what_runs(self):
        self.ok("image", "import", "bb.tar")
        process = self.start("exec", "--image", "bb", "--", "sh", "-c", "echo started; read line; cat /bin/busybox | wc -c",
                             stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "started\n")
        self.ok("image", "remove", "bb")
        self.assertEqual(self.told("gc", "--keep", "0s")["layers"], 0)
        out, err = process.communicate("go\n", timeout=60)
        self.assertEqual((process.returncode, int(out)), (0, os.path.getsize("/bin/busybox")), err)
        self.assertEqual(self.told("gc", "--keep", "0s")["layers"], 1)

    def test_inspect_tells_what_was_left_out(self):
        def fill(tar):
            entry(tar, "null", tarfile.CHRTYPE)
            entry(tar, "file", content=b"x", xattrs={"security.selinux": "label"})
        write_layout(self.project / "odd", [layer(fill)])
        self.ok("image", "import", self.project / "odd")
        details = self.told("image", "inspect", "odd")["layer_details"][0]
        self.assertEqual((details["skipped_devices"], details["dropped_attributes"]), (1, 1))

    @unittest.skipUnless(os.geteuid() == 0, "an ordinary user's map may have any size")
    def test_ids_beyond_the_map_are_refused_or_squashed(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            info = tarfile.TarInfo("file")
            info.uid = 70000
            tar.addfile(info)
        write_layout(self.project / "ids", [buffer.getvalue()])
        refused = self.run_stagebox("image", "import", self.project / "ids")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--squash-ids", refused.stderr)
        self.ok("image", "import", "--squash-ids", self.project / "ids")
        self.assertEqual(self.told("image", "inspect", "ids")["layer_details"][0]["squashed_ids"], 1)

    def test_an_image_is_called_as_its_file_without_endings(self):
        for file, name in (("gcc-14.2.tar.gz", "gcc-14.2"), ("b.tgz", "b"), ("c.oci.tar.zst", "c"), ("d", "d"), ("e.1", "e.1")):
            (self.project / "bb.tar").rename(self.project / file)
            self.assertEqual(self.told("image", "import", file)["name"], name)
            (self.project / file).rename(self.project / "bb.tar")
        (self.project / "bb.tar").rename(self.project / "my image.tar")
        refused = self.run_stagebox("image", "import", "my image.tar")
        self.assertEqual(refused.returncode, 2)
        self.assertIn('"my image" cannot be the name of an image', refused.stderr)
        self.assertIn("choose one with --name NAME", refused.stderr)
        self.ok("image", "import", "my image.tar", "--name", "mine")

    def test_removing_a_name_tells_the_others(self):
        for name in ("one", "two", "three"):
            self.ok("image", "import", "bb.tar", "--name", name)
        self.assertIn("the image is still called three, two", self.ok("image", "remove", "one"))
        self.assertNotIn("still", self.ok("image", "remove", "sha256:" + self.told("image", "list")[0]["digest"][7:15]))
        self.assertEqual(self.told("image", "list"), [])
        self.assertEqual(self.told("gc")["layers"], 1)
        self.assertEqual(self.told("gc")["bytes"], 0)

    def test_of_exports_to_one_file_the_first_counts(self):
        self.ok("image", "import", "bb.tar")
        for _ in range(5):
            out = self.project / "out.tar"
            exports = [self.start("image", "export", "bb", out, "--format", how) for how in ("oci-archive", "docker-archive")]
            ended = sorted((export.communicate(timeout=60)[1], export.returncode) for export in exports)
            self.assertEqual([status for _, status in ended], [0, 2], ended)
            self.assertIn("out.tar\" exists; remove it or choose another", ended[1][0])
            self.assertEqual(sorted(path.name for path in self.project.iterdir()), ["bb.tar", "out.tar"])
            self.ok("image", "import", out)
            out.unlink()

    # Else skopeo makes them, and gives them to root, which an ordinary user's cannot.
    def test_an_export_names_its_directories_before_what_is_in_them(self):
        self.ok("image", "import", "bb.tar")
        out = self.project / "out.tar"
        self.ok("image", "export", "bb", out)
        with tarfile.open(out) as archive:
            members = archive.getmembers()
        directories = {""}
        for member in members:
            self.assertIn(member.name.rpartition("/")[0], directories)
            if member.isdir():
                self.assertEqual(member.mode, 0o755)
                directories.add(member.name)
        self.assertEqual(directories, {"", "blobs", "blobs/sha256"})

    def test_every_command_has_json(self):
        imported = self.told("image", "import", self.layout("one", "base"))
        self.assertEqual(imported["name"], "one")
        self.assertEqual(self.told("image", "verify")["damages"], [])
        exported = self.told("image", "export", "one", self.project / "out.tar")
        self.assertEqual((exported["image"], exported["format"]), (imported["digest"], "oci-archive"))
        self.assertEqual(self.told("image", "remove", "one"), [{"removed": "one"}])
        self.assertEqual(self.told("image", "list"), [])

    @unittest.skipUnless(os.geteuid() == 0, "the files of a layer are not an ordinary user's to change")
    def test_repair_makes_a_damaged_image_whole(self):
        archive = self.layout("one", "base", "upper")
        self.ok("image", "import", archive)
        exported = self.project / "exported.tar"
        self.ok("image", "export", "one", exported)
        for source in (archive, exported):
            damage(self.home, "base", b"base", b"changed")
            self.assertEqual(self.run_stagebox("image", "verify").returncode, 3)
            other = self.run_stagebox("image", "verify", "one", "--repair", self.project / "bb.tar")
            self.assertEqual(other.returncode, 2, other.stdout + other.stderr)
            repaired = self.ok("image", "verify", "one", "--repair", source)
            self.assertIn("base", repaired)
            self.assertIn("all as imported", repaired)
            self.ok("image", "verify")


if __name__ == "__main__":
    unittest.main()
