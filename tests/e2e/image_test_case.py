"""What the tests of images share: an image, the tools that others write images with, and trees that can be compared."""

import ctypes
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess

from harness import ProjectTest
from image_samples import layer, lower, upper, write_layout

MS_RDONLY = 1


def describe(root):
    """Path to everything that matters of it."""
    seen, tree = {}, {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in [b""] * (folder == os.fsencode(root)) + folders + files:
            path = os.path.join(folder, name) if name else folder
            status = os.lstat(path)
            relative = os.path.relpath(path, os.fsencode(root))
            kind = stat.S_IFMT(status.st_mode)
            content = b""
            if stat.S_ISREG(status.st_mode):
                content = pathlib.Path(os.fsdecode(path)).read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            xattrs = {key: os.getxattr(path, key, follow_symlinks=False)
                      for key in os.listxattr(path, follow_symlinks=False)
                      if not key.startswith(("user.overlay.", "user.rootlesscontainers"))}
            first = seen.setdefault((status.st_dev, status.st_ino), relative) if status.st_nlink > 1 else relative
            times = () if relative == b"." else (status.st_mtime_ns,)
            tree[relative] = (kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, *times, content, xattrs,
                              b"" if stat.S_ISDIR(status.st_mode) else first)
    return tree


def damage(home, path, before, after):
    """Changes a file of less than a block in a stored layer, whatever form that has. `before` is all of its content."""
    block = before.ljust(512, b"\0")
    for layer in home.glob("images/layers/*"):
        if (layer / "fs" / path).exists():
            (layer / "fs" / path).write_bytes(after)
            return
        archive = layer / "archive.tar"
        if archive.exists() and block in (content := archive.read_bytes()):
            archive.write_bytes(content.replace(block, after.ljust(512, b"\0"), 1))
            return
    raise AssertionError(f"no stored layer has {path}")


class ImageTestCase(ProjectTest):
    def setUp(self):
        super().setUp()
        self.environment["STAGEBOX_LAYERS"] = "erofs"  # these layers are small, and would be directories
        self.layout = self.dir / "layout"
        self.layers = [layer(lower), layer(upper)]
        write_layout(self.layout, self.layers)
        self.diff_ids = ["sha256:" + hashlib.sha256(data).hexdigest() for data in self.layers]

    def tool(self, *command, **environment):
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        done = subprocess.run(list(map(str, command)), env=dict(os.environ, **environment), capture_output=True, text=True,
                              timeout=120, check=False)
        if done.returncode:
            self.skipTest(f"{command[0]} does not work here: {done.stderr.strip().splitlines()[-1:]}")

    def check(self, source, *options, diff_ids=None):
        done = self.run_stagebox("image", "import", source, "--name", "m", "--json", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["layers"], diff_ids or self.diff_ids)
        verified = self.run_stagebox("image", "verify", "m")
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)

    def skopeo(self, target):
        self.tool("skopeo", "--insecure-policy", "copy", "--quiet", f"oci:{self.layout}:latest", target)

    def storage(self):
        return {"STORAGE_DRIVER": "vfs", "XDG_RUNTIME_DIR": str(self.dir / "run"), "TMPDIR": str(self.dir)}

    def merged(self, diff_ids):
        """The root file system that a sandbox would see, mounted."""
        chain = []
        for diff_id in diff_ids:
            chain.append("sha256:" + hashlib.sha256(f"{chain[-1]} {diff_id}".encode()).hexdigest() if chain else diff_id)
        lowers = ":".join(str(self.layer_root(self.home / "images/layers" / one[7:])) for one in reversed(chain))
        return self.mounted("none", "merged", "overlay", f"userxattr,lowerdir={lowers}")

    def mounted(self, source, name, kind, options):
        target = self.dir / f"{name}-{len(list(self.dir.glob(f'{name}-*')))}"
        target.mkdir()
        # mount(8) would make a loop device of a file.
        libc = ctypes.CDLL(None, use_errno=True)
        done = libc.mount(os.fsencode(source), os.fsencode(target), kind.encode(), MS_RDONLY, os.fsencode(options))
        self.assertEqual(done, 0, os.strerror(ctypes.get_errno()))
        self.addCleanup(subprocess.run, ["umount", target], check=True)
        return target

    def layer_root(self, layer):
        if (layer / "fs").exists():
            return layer / "fs"
        return self.mounted(layer / "index.erofs", "layer", "erofs", f"device={layer / 'archive.tar'}")
