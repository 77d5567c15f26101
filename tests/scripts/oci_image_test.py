import gzip
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

import support


class OciImage(unittest.TestCase):
    def make(self, root, name):
        with tarfile.open(root / "rootfs.tar", "w") as tar:
            tar.addfile(tarfile.TarInfo("hello"))
        subprocess.run([sys.executable, support.SCRIPTS / "lib/oci_image.py", "latest", root / "rootfs.tar", root / name,
                        "--user", "1000"], check=True, stdout=subprocess.DEVNULL)
        return root / name

    def test_every_digest_and_size_is_right(self):
        with tempfile.TemporaryDirectory() as root:
            root = pathlib.Path(root)
            with tarfile.open(self.make(root, "image.tar")) as archive:
                def blob(descriptor):
                    data = archive.extractfile("blobs/" + descriptor["digest"].replace(":", "/")).read()
                    self.assertEqual("sha256:" + hashlib.sha256(data).hexdigest(), descriptor["digest"])
                    self.assertEqual(len(data), descriptor["size"])
                    return data
                index = json.load(archive.extractfile("index.json"))
                manifest = json.loads(blob(index["manifests"][0]))
                config = json.loads(blob(manifest["config"]))
                layer = gzip.decompress(blob(manifest["layers"][0]))
            self.assertEqual(layer, (root / "rootfs.tar").read_bytes())
            self.assertEqual(config["rootfs"]["diff_ids"], ["sha256:" + hashlib.sha256(layer).hexdigest()])
            self.assertEqual(config["config"]["User"], "1000")

    def test_same_input_gives_same_bytes(self):
        with tempfile.TemporaryDirectory() as root:
            root = pathlib.Path(root)
            self.assertEqual(self.make(root, "a.tar").read_bytes(), self.make(root, "b.tar").read_bytes())


if __name__ == "__main__":
    unittest.main()
