"""Makes the image that is measured: four layers cut from this machine's /usr, as OCI archives with gzip and with zstd.

Which directories are taken is decided by a digest of their names, so that the mixture of large and small files is that of
a real image, and the same machine always gives the same image. The last two layers also hide and replace files of the
first, as real ones do.
"""

import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile

SHARES = (0.45, 0.30, 0.15, 0.10)  # of the bytes, bottom first
LARGEST_FILE = 64 << 20  # bytes; a single huge file would decide everything
WHITEOUTS = 50
REPLACED = 200
COMPRESSORS = {"gzip": (["gzip", "-6", "-n", "-c"], "tar+gzip"), "zstd": (["zstd", "-3", "-q", "-c"], "tar+zstd")}


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_of(top):
    """Directories, links and files below `top` (included), without those that have no place in an image."""
    found, size = [], 0
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in [""] + sorted(files) + [name for name in folders if os.path.islink(os.path.join(folder, name))]:
            path = os.path.join(folder, name).rstrip("/")
            status = os.lstat(path)
            if status.st_size > LARGEST_FILE or not (os.path.isdir(path) or os.path.isfile(path) or os.path.islink(path)):
                continue
            found.append(path)
            size += status.st_size
    return found, size


def choose(wanted_bytes):
    """Lists of paths, one a layer."""
    groups = [str(path) for parent in ("/usr", "/usr/lib", "/usr/share", "/usr/share/doc", "/usr/lib/python3",
                                       "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")
              if os.path.isdir(parent) for path in sorted(pathlib.Path(parent).iterdir())
              if path.is_dir() and not path.is_symlink()]
    nested = {group for group in groups if any(other.startswith(group + "/") for other in groups)}
    groups = sorted(set(groups) - nested, key=lambda name: hashlib.sha256(name.encode()).digest())
    layers, total = [[] for _ in SHARES], 0
    for group in groups:
        paths, size = tree_of(group)
        if size > wanted_bytes / 4 or total + size > wanted_bytes * 1.05:
            continue
        total += size
        index = next(i for i in range(len(SHARES)) if total <= wanted_bytes * 1.05 * sum(SHARES[:i + 1]) or i + 1 == len(SHARES))
        layers[index].extend(paths)
    return layers


def write_layer(path, entries, extra):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
        for entry in entries:
            tar.add(entry, arcname=entry.lstrip("/"), recursive=False)
        for name, content in extra:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), 1_600_000_000, 0o644
            tar.addfile(info, io.BytesIO(content))


def extras_of(index, first_layer):
    files = [path.lstrip("/") for path in first_layer if os.path.isfile(path) and not os.path.islink(path)]
    if index == 2:
        return [(f"{os.path.dirname(name)}/.wh.{os.path.basename(name)}", b"") for name in files[:WHITEOUTS]]
    if index == 3:
        return [(name, b"replaced\n" * 100) for name in files[WHITEOUTS:WHITEOUTS + REPLACED]]
    return []


def compress(source, target, kind):
    with open(source, "rb") as tar, open(target, "wb") as out:
        subprocess.run(COMPRESSORS[kind][0], stdin=tar, stdout=out, check=True)


class Layout:
    """An OCI layout directory that grows."""

    def __init__(self, folder):
        self.folder = folder
        self.blobs = folder / "blobs" / "sha256"
        self.blobs.mkdir(parents=True)

    def add_file(self, path, media_type):
        digest, size = sha256_of(path), path.stat().st_size
        path.rename(self.blobs / digest)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": size}

    def add_json(self, document, media_type):
        path = self.folder / "document"
        path.write_text(json.dumps(document), encoding="utf-8")
        return self.add_file(path, media_type)

    def finish(self, manifest):
        manifest["annotations"] = {"org.opencontainers.image.ref.name": "bench"}
        index = {"schemaVersion": 2, "manifests": [manifest]}
        (self.folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")


def make_layout(folder, tars, kind):
    layout = Layout(folder)
    layers = []
    for tar in tars:
        packed = folder / "layer"
        compress(tar, packed, kind)
        layers.append(layout.add_file(packed, "application/vnd.oci.image.layer.v1." + COMPRESSORS[kind][1]))
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    config = {"architecture": machine, "os": "linux", "config": {"Cmd": ["/bin/sh"]},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256_of(tar) for tar in tars]}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": layout.add_json(config, "application/vnd.oci.image.config.v1+json"), "layers": layers}
    layout.finish(layout.add_json(manifest, manifest["mediaType"]))


def make_archive(layout, path):
    with tarfile.open(path, "w", bufsize=1 << 20) as tar:
        tar.add(layout, arcname=".", recursive=True)


def make_images(folder, wanted_bytes):
    """Below `folder`: {gzip,zstd} layouts and {gzip,zstd}.tar; layer*.tar, uncompressed; facts.json. Made once for a size."""
    facts_path = folder / "facts.json"
    if facts_path.exists():
        return json.loads(facts_path.read_text(encoding="utf-8"))
    folder.mkdir(parents=True)
    layers = choose(wanted_bytes)
    tars = []
    for index, entries in enumerate(layers):
        tars.append(folder / f"layer{index}.tar")
        write_layer(tars[-1], entries, extras_of(index, layers[0]))
    facts = {"layers": len(layers), "entries": sum(map(len, layers)) + WHITEOUTS + REPLACED,
             "layer_bytes": [tar.stat().st_size for tar in tars]}
    for kind in COMPRESSORS:
        make_layout(folder / kind, tars, kind)
        make_archive(folder / kind, folder / f"{kind}.tar")
        facts[kind + "_bytes"] = (folder / f"{kind}.tar").stat().st_size
    facts_path.write_text(json.dumps(facts), encoding="utf-8")
    return facts
