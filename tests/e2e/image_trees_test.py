#!/usr/bin/env python3
"""The root file system of an image of several layers, as a sandbox sees it, is the one that umoci and podman make of the
same image: names, types, modes, owners, times, links, extended attributes and content. Once for an image that has one of
everything, once for directories of this machine that umoci changed and packed into two more layers."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import tarfile
import unittest

from image_samples import write_layout
from image_test_case import ImageTestCase, describe

# A few megabytes with set-id programs, links of both kinds and deep paths.
REAL_FOLDERS = ("/etc", "/usr/share/zoneinfo", "/usr/lib/python3/dist-packages")
REAL_PROGRAMS = ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/newuidmap", "/usr/bin/chage", "/usr/bin/bash")
MOST_BYTES = 6 << 20


def real_layer(path):
    """A tar archive of this machine's files."""
    left = MOST_BYTES

    def keep(info):
        nonlocal left
        left -= info.size
        return info if left > 0 and (info.isreg() or info.isdir() or info.issym() or info.islnk()) else None

    names = [name for name in (*REAL_PROGRAMS, *REAL_FOLDERS) if os.path.lexists(name)]
    parents = {str(parent) for name in names for parent in pathlib.Path(name).parents} - {"/"}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for parent in sorted(parents):
            tar.add(parent, recursive=False)
        for name in names:
            if name not in parents:
                tar.add(name, filter=keep)


def change(root):
    """What the next layer does: everything that a layer can do to the ones below."""
    zones = root / "usr/share/zoneinfo"
    shutil.rmtree(zones / "Europe")
    (zones / "Asia").rename(zones / "Azja")  # a directory hidden, and another one with all of it
    (root / "etc/hostname.new").write_text("changed\n", encoding="utf-8")
    (root / "etc/folder.new").mkdir()
    (root / "etc/debian_version").write_text("13\n", encoding="utf-8")
    os.chmod(root / "usr/bin/bash", 0o700)
    os.chown(root / "usr/bin/passwd", 7, 8)
    os.chmod(root / "usr/bin/passwd", 0o6711)
    os.setxattr(root / "usr/bin/chage", "user.note", b"changed")


def change_types(root):
    """A directory becomes a file, a file a directory, and something hidden comes back."""
    zones = root / "usr/share/zoneinfo"
    # An empty one: for others umoci writes whiteouts below the file, and podman cannot apply these.
    (root / "etc/folder.new").rmdir()
    (root / "etc/folder.new").write_text("a file now", encoding="utf-8")
    (root / "etc/hostname.new").unlink()
    (root / "etc/hostname.new/deep").mkdir(parents=True)
    (root / "etc/hostname.new/deep/file").write_text("deep", encoding="utf-8")
    (zones / "Europe").mkdir()
    (zones / "Europe/Rome").write_text("back again", encoding="utf-8")
    (root / "link").symlink_to("/etc/hostname.new/deep")


def differences(ours, theirs):
    """Names whose descriptions are not equal, with both."""
    return {name: (ours.get(name), theirs.get(name)) for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name) != theirs.get(name)}


def without_directory_times(tree):
    """podman gives a directory the time at which it changed something in it, and a root that no layer mentions mode 0555."""
    return {name: (*what[:4], *what[5:]) if stat.S_ISDIR(what[0]) else what for name, what in tree.items() if name != b"."}


@unittest.skipUnless(os.geteuid() == 0, "mounting needs root")
class ImageTreesTest(ImageTestCase):
    def umoci_tree(self, tag):
        self.tool("umoci", "unpack", "--image", f"{self.layout}:{tag}", self.dir / f"umoci-{tag}")
        return describe(self.dir / f"umoci-{tag}" / "rootfs")

    def podman_tree(self, tag):
        """From its own storage; nothing is started."""
        podman = ["podman", "--storage-driver", "vfs", "--root", self.dir / "podman", "--runroot", self.dir / "run"]
        self.tool("skopeo", "--insecure-policy", "copy", "--quiet", f"oci:{self.layout}:{tag}",
                  f"docker-archive:{self.dir}/in.tar:localhost/x:1")
        self.tool(*podman, "load", "--quiet", "--input", self.dir / "in.tar", **self.storage())
        self.tool(*podman, "image", "mount", "localhost/x:1", **self.storage())
        mounted = subprocess.run([*map(str, podman), "image", "mount", "--format", "json"], check=True, capture_output=True,
                                 text=True, timeout=60, env=dict(os.environ, **self.storage()))
        tree = describe(json.loads(mounted.stdout)[0]["mountpoint"])
        self.tool(*podman, "image", "umount", "--all", **self.storage())
        return tree

    def our_tree(self, tag):
        done = self.run_stagebox("image", "import", f"{self.layout}:{tag}", "--name", tag, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_stagebox("image", "verify", tag).returncode, 0)
        return describe(self.merged(json.loads(done.stdout)["layers"]))

    def test_one_of_everything(self):
        ours, umoci, podman = self.our_tree("latest"), self.umoci_tree("latest"), self.podman_tree("latest")
        # In an overlay, files of different layers are never the same file: there the link is a copy.
        self.assertEqual(ours[b"bin/su"][:-1], ours[b"bin/copy"][:-1])
        for path in (b"bin/su", b"bin/other", b"bin/copy"):
            for tree in (ours, umoci, podman):
                tree[path] = tree[path][:-1]
        self.assertEqual(differences(ours, umoci), {})
        self.assertEqual(differences(without_directory_times(ours), without_directory_times(podman)), {})

    def test_layers_of_a_real_root(self):
        shutil.rmtree(self.layout)
        real_layer(self.dir / "real.tar")
        write_layout(self.layout, [(self.dir / "real.tar").read_bytes()])
        tags = ["latest", "second", "third"]
        for before, after, work in zip(tags, tags[1:], (change, change_types)):
            bundle = self.dir / f"work-{after}"
            self.tool("umoci", "unpack", "--image", f"{self.layout}:{before}", bundle)
            work(bundle / "rootfs")
            self.tool("umoci", "repack", "--image", f"{self.layout}:{after}", bundle)
        ours = self.our_tree("third")
        self.assertGreater(len(ours), 1000)
        self.assertIn(stat.S_IFREG, {what[0] for what in ours.values()})
        self.assertEqual(differences(ours, self.umoci_tree("third")), {})
        podman = self.podman_tree("third")
        self.assertEqual(differences(without_directory_times(ours), without_directory_times(podman)), {})


class DirectoryTreesTest(ImageTreesTest):
    """The same with layers as directories, which root has of large layers only on request where EROFS can be mounted."""

    def setUp(self):
        super().setUp()
        self.environment["STAGEBOX_LAYERS"] = "directories"

    def our_tree(self, tag):
        tree = super().our_tree(tag)
        self.assertEqual(list(self.home.glob("images/layers/*/index.erofs")), [])
        return tree


if __name__ == "__main__":
    unittest.main()
