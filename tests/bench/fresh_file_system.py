"""A file system of one's own to measure on: fresh ext4 with a journal, in a file.

So nobody pays for what another one deleted or left unwritten, and all machines measure on the same kind: ext4 without
a journal, for one, searches through every inode that was deleted within the last minutes whenever it makes a new one.
"""

import os
import pathlib
import subprocess
import sys


class FreshFileSystem:
    """Use it with `with`, as root, after enter_private_mounts(): the path of the mount point, an existing directory."""

    def __init__(self, image, point, size):
        self.image = pathlib.Path(image)  # is made, and removed
        self.loop = ""
        self.point = pathlib.Path(point)
        self.size = size  # bytes, all taken at once

    def __enter__(self):
        with open(self.image, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, self.size)
        subprocess.run(["mkfs.ext4", "-q", "-i", "8192", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", str(self.image)], check=True)
        # Direct: or every byte would be written twice, and cached twice.
        attach = ["losetup", "--find", "--show", "--direct-io=on", str(self.image)]
        self.loop = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run(["mount", self.loop, str(self.point)], check=True)
        return self.point

    def __exit__(self, *_):
        # podman leaves a mount of its storage directory behind.
        subprocess.run(["umount", "--recursive", str(self.point)], check=True)
        subprocess.run(["losetup", "--detach", self.loop], check=True)
        self.image.unlink()


def enter_private_mounts():
    """Mounts of our own: a sandbox that somebody starts meanwhile would take ours along and keep the file systems busy."""
    if os.environ.get("STAGEBOX_BENCH_MOUNTS") == "private":
        return
    os.environ["STAGEBOX_BENCH_MOUNTS"] = "private"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
