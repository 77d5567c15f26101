#!/usr/bin/env python3
"""One image of several layers, written by each tool in each of its formats: all import to the same layers. A tool that is
not there or cannot run here is skipped by name."""

import json
import os
import shutil
import subprocess
import unittest

import image_writers
from image_samples import ARCHITECTURE, ended_as_by_go, write_layout
from image_test_case import ImageTestCase, damage, describe


class ImageMatrixTest(ImageTestCase):
    def test_layout(self):
        self.check(self.layout)

    def test_skopeo_oci_archive(self):
        self.skopeo(f"oci-archive:{self.dir}/a.tar:x")
        self.check(self.dir / "a.tar", "--ref", "x")

    def test_skopeo_docker_archive(self):
        self.skopeo(f"docker-archive:{self.dir}/a.tar:example.org/x:1")
        self.check(f"{self.dir}/a.tar:example.org/x:1")

    def test_skopeo_gzip_and_zstd_layers(self):
        for how in ("gzip", "zstd"):
            self.tool("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-compress", "--dest-compress-format", how,
                      f"oci:{self.layout}:latest", f"oci:{self.dir}/{how}:x")
            self.check(self.dir / how)

    def test_umoci(self):
        shutil.copytree(self.layout, self.dir / "umoci")
        self.tool("umoci", "config", "--image", f"{self.dir}/umoci:latest", "--config.user", "1:1", "--tag", "second")
        self.check(f"{self.dir}/umoci:second")

    def test_podman_save(self):
        root = ["--storage-driver", "vfs", "--root", self.dir / "podman", "--runroot", self.dir / "run"]
        self.skopeo(f"docker-archive:{self.dir}/in.tar:localhost/x:1")
        self.tool("podman", *root, "load", "--quiet", "--input", self.dir / "in.tar", **self.storage())
        for how in ("docker-archive", "oci-archive"):
            out = self.dir / f"{how}.tar"
            self.tool("podman", *root, "save", "--quiet", "--format", how, "--output", out, "localhost/x:1", **self.storage())
            self.check(out)

    def test_podman_save_of_several_images(self):
        root = ["--storage-driver", "vfs", "--root", self.dir / "podman", "--runroot", self.dir / "run"]
        self.skopeo(f"docker-archive:{self.dir}/in.tar:localhost/x:1")
        self.tool("podman", *root, "load", "--quiet", "--input", self.dir / "in.tar", **self.storage())
        (self.dir / "y.tar").write_bytes(self.layers[0])
        self.tool("podman", *root, "import", "--quiet", self.dir / "y.tar", "localhost/y:1", **self.storage())
        out = self.dir / "both.tar"
        self.tool("podman", *root, "save", "--quiet", "--multi-image-archive", "--output", out, "localhost/x:1", "localhost/y:1",
                  **self.storage())
        refused = self.run_stagebox("image", "import", out)
        self.assertEqual(refused.returncode, 2)
        self.assertIn('"localhost/x:1", "localhost/y:1"', refused.stderr)
        self.check(f"{out}:x:1")
        self.check(out, "--ref", "localhost/y:1", diff_ids=self.diff_ids[:1])

    def test_buildah_push(self):
        root = ["--storage-driver", "vfs", "--root", self.dir / "buildah", "--runroot", self.dir / "run"]
        self.tool("buildah", *root, "pull", "--quiet", f"oci:{self.layout}:latest", **self.storage())
        listed = subprocess.run(["buildah", *map(str, root), "images", "--quiet"], capture_output=True, text=True, timeout=60,
                                env=dict(os.environ, **self.storage()), check=True)
        self.tool("buildah", *root, "push", "--quiet", listed.stdout.split()[0], f"oci-archive:{self.dir}/b.tar:b",
                  **self.storage())
        self.check(self.dir / "b.tar")

    def test_compressed_and_standard_input(self):
        self.skopeo(f"oci-archive:{self.dir}/a.tar:x")
        subprocess.run(["gzip", self.dir / "a.tar"], check=True)
        self.check(self.dir / "a.tar.gz")
        with open(self.dir / "a.tar.gz", "rb") as archive:
            cat = subprocess.Popen(["cat"], stdin=archive, stdout=subprocess.PIPE)
            process = self.start("image", "import", "-", "--name", "piped", "--json", stdin=cat.stdout)
            cat.stdout.close()
            out, err = process.communicate(timeout=120)
            cat.wait()
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads(out)["layers"], self.diff_ids)

    def test_exported_again(self):
        self.check(self.layout)
        for how in ("oci-archive", "docker-archive"):
            out = self.dir / f"{how}.tar"
            done = self.run_stagebox("image", "export", "m", out, "--format", how)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.tool("skopeo", "--insecure-policy", "copy", "--quiet", f"{how}:{out}", f"oci:{self.dir}/{how}:x")
            self.check(self.dir / how)

    def test_damage_is_named_and_has_status_3(self):
        self.check(self.layout)
        damage(self.home, "bin/ping", b"ping", b"pong")
        done = self.run_stagebox("image", "verify", "m")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn('"bin/ping": its content has changed', done.stdout)
        self.assertIn("--repair", done.stdout)

    def test_estargz(self):
        archive, diff_ids = image_writers.estargz_archive(self.layers, ARCHITECTURE)
        (self.dir / "e.tar").write_bytes(archive)
        self.check(self.dir / "e.tar", diff_ids=diff_ids)
        if os.geteuid() != 0:
            return
        self.check(self.layout)
        plain, stargz = describe(self.merged(self.diff_ids)), describe(self.merged(diff_ids))
        for name in (image_writers.TOC_NAME, image_writers.LANDMARK):
            del stargz[name.encode()]
        self.assertEqual(plain, stargz)

    def test_zstd_chunked(self):
        # skopeo 1.9 drops what follows the two blocks that end an archive, and with it the diff id: let nothing follow.
        layers = [ended_as_by_go(data) for data in self.layers]
        diff_ids = [image_writers.digest(data) for data in layers]
        write_layout(self.dir / "go", layers)
        self.tool("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-compress", "--dest-compress-format", "zstd:chunked",
                  f"oci:{self.dir}/go:latest", f"oci:{self.dir}/chunked:x")
        blobs = [path.read_bytes() for path in (self.dir / "chunked/blobs/sha256").iterdir()]
        self.assertEqual(sum(data.endswith(b"GnUlInUx") for data in blobs), 2, "skopeo did not write zstd:chunked")
        self.check(self.dir / "chunked", diff_ids=diff_ids)

    def test_buildx(self):
        for exporter in ("oci", "docker"):
            archive = self.dir / f"{exporter}.tar"
            archive.write_bytes(image_writers.buildkit_archive(self.layers, ARCHITECTURE, exporter))
            self.check(archive)
            self.check(f"{archive}:built:1")

if __name__ == "__main__":
    unittest.main()
