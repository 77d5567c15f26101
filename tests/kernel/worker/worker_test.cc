// Layers are unpacked by processes that have nothing to lose: what is unpacked is the same, and who
// takes such a process over gains nothing.
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>

#include "images/layer/layer_form.h"
#include "images/layer/layer_snapshot.h"
#include "images/layer_store.h"
#include "runtime/run/engine/isolated_unpacker.h"
#include "sandbox/ids/user_namespace.h"
#include "sandbox/mounts/detached_mount.h"
#include "tests/kernel/worker/worker_fixture.h"
#include "tests/unit/images/image_fixture.h"

namespace stagebox::testing {
namespace {

using images::ImageStore;
using images::LayerForms;
using images::LayerOwnership;
using sandbox::HostIds;

LayerOwnership ownership() {
  const HostIds& ids = *worker_machine().ids;
  LayerOwnership ownership;
  if (ids.kind() == HostIds::Kind::kSingle) ownership.mode = LayerOwnership::Mode::kSingle;
  ownership.id_shift = ids.layer_shift();
  ownership.id_count = ids.layer_count();
  return ownership;
}

// VFS_CAP_REVISION_2 with cap_net_bind_service (linux/capability.h).
std::string capability() {
  std::string value(20, '\0');
  value[0] = 1;
  value[3] = 2;
  value[5] = 4;
  return value;
}

TarFields fields(const std::string& name, std::uint32_t mode, char type = '0') {
  TarFields made;
  made.name = name;
  made.mode = mode;
  made.type = type;
  return made;
}

OciImage rich_image() {
  TarBuilder bottom;
  bottom.dir("usr", 0750).file("usr/a", "a", 04755).file("gone", "x").symlink("lib", "usr");
  bottom.file("h\xc3\xa9llo \xff", "bytes");
  TarBuilder top;
  top.hardlink("copy", "usr/a").whiteout("", "gone").file("usr/b", "b", 02711);
  top.add(fields("fifo", 0620, '6'));
  TarFields able = fields("able", 0755);
  able.pax = {{"SCHILY.xattr.security.capability", capability()}};
  top.add(able, "able");
  if (ownership().mode == LayerOwnership::Mode::kMapped) {
    TarFields owned = fields("owned", 06755);
    owned.uid = 1000;
    owned.gid = 50;
    top.add(owned, "owned");
  }
  return OciImage().gzipped(bottom.finish()).zstded(top.finish());
}

class WorkerTest : public ::testing::Test {
 protected:
  base::Result<images::Image> import(const TempDir& home, const sandbox::WorkerServer* server,
                                     LayerForms forms = LayerForms::kDirectories) {
    return import(home, server, pack(oci_files(rich_image())), images::usual_options(), forms);
  }

  static base::Result<images::Image> import(const TempDir& home,
                                            const sandbox::WorkerServer* server,
                                            const std::string& archive,
                                            const images::ImportOptions& options,
                                            LayerForms forms = LayerForms::kDirectories) {
    std::shared_ptr<const images::LayerUnpacker> unpacker =
        std::make_shared<images::DirectUnpacker>();
    if (server != nullptr) {
      unpacker = std::make_shared<run::IsolatedUnpacker>(server, worker_machine().ids);
    }
    const auto store = TRY(ImageStore::open(home.fd(), ownership(), unpacker, forms));
    const std::string path = home.path("image.tar");
    write_file(path, archive);
    return store.import_archive(path, options);
  }

  static std::string layer_path(const TempDir& home, const images::Image& image,
                                std::size_t index) {
    const auto key = images::layer_key(images::chain_ids(image.diff_ids)[index], ownership());
    return home.path("images/layers/" + key + "/fs");
  }

  static std::string described(const TempDir& home, const images::Image& image) {
    std::string text;
    for (const std::size_t index : {0UL, 1UL}) {
      const std::string path = layer_path(home, image, index);
      std::string tree = images::describe_tree(path);
      for (std::size_t at = tree.find(path); at != std::string::npos; at = tree.find(path)) {
        tree.replace(at, path.size(), "");
      }
      text += tree + "--\n";
    }
    return text;
  }

  // With times and extended attributes, as they were recorded.
  static std::string snapshots(const TempDir& home, const images::Image& image) {
    std::string text;
    for (const std::size_t index : {0UL, 1UL}) {
      const base::UniqueFd dir(
          ::open((layer_path(home, image, index) + "/..").c_str(), O_PATH | O_CLOEXEC));
      const auto entries = images::read_snapshot(dir.get(), images::kLayerSnapshotName);
      if (!entries.ok()) return entries.error().message;
      for (images::SnapshotEntry entry : *entries) {
        if (entry.type == 'c') entry.mtime_seconds = entry.mtime_nanoseconds = 0;  // a whiteout
        text += images::encode_entry(entry) + "\n";
      }
    }
    return text;
  }

  static void expect_nothing_stored(const TempDir& home) {
    for (const char* name : {"layers", "manifests", "configs", "tmp"}) {
      EXPECT_TRUE(std::filesystem::is_empty(home.path("images/" + std::string(name)))) << name;
    }
  }
};

TEST_F(WorkerTest, UnpacksWhatAnImportInThisProcessWould) {
  const TempDir direct;
  const TempDir isolated;
  const auto expected = import(direct, nullptr);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  const auto image = import(isolated, worker_machine().honest.get());
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(described(isolated, *image), described(direct, *expected));
  EXPECT_EQ(snapshots(isolated, *image), snapshots(direct, *expected));
}

// The kernel turns a capability that is set in a user namespace into one of that namespace. Read
// through a mount as a sandbox has it, it must belong to that sandbox's root.
TEST_F(WorkerTest, FileCapabilitiesCountInSandboxes) {
  const TempDir home;
  const auto image = import(home, worker_machine().honest.get());
  ASSERT_TRUE(image.ok()) << image.error().message;
  const std::string path = layer_path(home, *image, 1);
  std::string value(64, '\0');
  const auto size = ::getxattr((path + "/able").c_str(), "security.capability", value.data(), 64);
  ASSERT_GT(size, 0) << base::errno_text(errno);
  // Our root owns it, so it is shown without a root id: it holds for every namespace below ours.
  EXPECT_EQ(value.substr(0, static_cast<std::size_t>(size)), capability());
  if (worker_machine().ids->kind() != HostIds::Kind::kRoot) return;

  const auto lease = HostIds::lease(worker_machine().ids);
  ASSERT_TRUE(lease.ok());
  const base::UniqueFd layer(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto mount =
      sandbox::clone_mount(layer.get(), sandbox::MountAccess::kReadOnly, lease->user_namespace());
  ASSERT_TRUE(mount.ok()) << mount.error().message;
  const base::UniqueFd file(::openat(mount->get(), "able", O_RDONLY | O_CLOEXEC));
  const auto mapped = ::fgetxattr(file.get(), "security.capability", value.data(), 64);
  // Version 3: the root it belongs to follows, in our ids.
  ASSERT_EQ(mapped, 24);
  EXPECT_EQ(value[3], 3);
  std::uint32_t root = 0;
  std::memcpy(&root, value.data() + 20, sizeof(root));
  EXPECT_EQ(root, lease->map().first);
}

// Who unpacks for an EROFS image sees no directory at all: what it says of the files is written
// down here.
class ErofsWorkerTest : public WorkerTest {
 protected:
  void SetUp() override {
    const TempDir home;
    const auto store = ImageStore::open(
        home.fd(), ownership(), std::make_shared<images::DirectUnpacker>(), LayerForms::kErofs);
    ASSERT_TRUE(store.ok());
    const std::string why = store->why_directories();
    if (!why.empty()) GTEST_SKIP() << why;
  }
};

TEST_F(ErofsWorkerTest, SaysWhatAnImportInThisProcessWould) {
  const TempDir direct;
  const TempDir isolated;
  const auto expected = import(direct, nullptr, LayerForms::kErofs);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  const auto image = import(isolated, worker_machine().honest.get(), LayerForms::kErofs);
  ASSERT_TRUE(image.ok()) << image.error().message;
  for (const char* name : {images::kLayerIndex, images::kLayerArchive, "record.zst"}) {
    const std::string path = images::layer_key(images::chain_ids(image->diff_ids)[0], ownership());
    const auto file = [&](const TempDir& home) {
      return images::content_of(home.path("images/layers/" + path + "/" + name));
    };
    EXPECT_EQ(file(isolated), file(direct)) << name;
    EXPECT_GT(file(isolated).size(), 20U) << name;
  }
}

TEST_F(ErofsWorkerTest, FileCapabilitiesCountInSandboxes) {
  TarFields able = fields("able", 0755);
  able.pax = {{"SCHILY.xattr.security.capability", capability()}};
  const TempDir home;
  const auto image =
      import(home, worker_machine().honest.get(),
             pack(oci_files(OciImage().gzipped(TarBuilder().add(able, "x").finish()))),
             images::usual_options(), LayerForms::kErofs);
  ASSERT_TRUE(image.ok()) << image.error().message;
  const auto store = ImageStore::open(home.fd(), ownership());
  const auto rootfs = store->rootfs(*image);
  ASSERT_TRUE(rootfs.ok()) << rootfs.error().message;
  const auto lease = HostIds::lease(worker_machine().ids);
  ASSERT_TRUE(lease.ok());
  const auto mount = sandbox::clone_mount(rootfs->layers[0].get(), sandbox::MountAccess::kReadOnly,
                                          lease->user_namespace());
  ASSERT_TRUE(mount.ok()) << mount.error().message;
  const base::UniqueFd file(::openat(mount->get(), "able", O_RDONLY | O_CLOEXEC));
  std::string value(64, '\0');
  ASSERT_EQ(::fgetxattr(file.get(), "security.capability", value.data(), 64), 24);
  std::uint32_t root = 0;
  std::memcpy(&root, value.data() + 20, sizeof(root));
  EXPECT_EQ(root, lease->map().first);
  struct stat status{};
  ASSERT_EQ(::fstat(file.get(), &status), 0);
  EXPECT_EQ(status.st_uid, lease->map().first);
}

TEST_F(ErofsWorkerTest, ItsWordsAndItsDeathLeaveNothing) {
  for (const auto* server : {worker_machine().lying.get(), worker_machine().dying.get()}) {
    const TempDir home;
    const auto image = import(home, server, LayerForms::kErofs);
    ASSERT_FALSE(image.ok());
    EXPECT_EQ(image.error().message.find_first_of("\x1b\x07\xc2\x9b"), std::string::npos);
    expect_nothing_stored(home);
  }
}

TEST_F(WorkerTest, HasNoPower) {
  const TempDir dir;
  for (const char* name : {"layer", "parent", "neighbour"}) {
    ASSERT_TRUE(base::make_dir_at(dir.fd(), name, 0755).ok());
  }
  write_file(dir.path("parent/file"), "of the parent");
  write_file(dir.path("archive"), "archive");
  const HostIds& ids = *worker_machine().ids;
  const bool is_root = ids.kind() == HostIds::Kind::kRoot;
  const auto lease = HostIds::lease(worker_machine().ids);
  ASSERT_TRUE(lease.ok());
  base::UniqueFd own;
  if (!is_root) {
    const bool is_single = ids.kind() == HostIds::Kind::kSingle;
    auto made = sandbox::make_twin_namespace(is_single ? 0 : ids.layer_count());
    ASSERT_TRUE(made.ok()) << made.error().message;
    own = std::move(*made);
  }
  const int map = is_root ? lease->user_namespace() : -1;
  const base::UniqueFd layer(::openat(dir.fd(), "layer", O_PATH | O_CLOEXEC));
  const base::UniqueFd parent(::openat(dir.fd(), "parent", O_PATH | O_CLOEXEC));
  const base::UniqueFd archive(::openat(dir.fd(), "archive", O_RDONLY | O_CLOEXEC));
  const auto writable = sandbox::clone_mount(layer.get(), sandbox::MountAccess::kReadWrite, map);
  const auto readable = sandbox::clone_mount(parent.get(), sandbox::MountAccess::kReadOnly, map);
  ASSERT_TRUE(writable.ok() && readable.ok());

  sandbox::WorkerServer::Task task;
  const std::byte request{0};
  task.request = std::span(&request, 1);
  task.fds = {archive.get(), writable->get(), readable->get()};
  task.writable = 1;
  task.user_namespace = is_root ? lease->user_namespace() : own.get();
  task.deny_setgroups = ids.kind() == HostIds::Kind::kSingle;
  task.memory_bytes = 1UL << 30U;
  task.cpu_seconds = 60;
  task.file_bytes = 1UL << 20U;
  const auto worker = worker_machine().hostile->start_worker(task);
  ASSERT_TRUE(worker.ok()) << worker.error().message;
  std::string found(16UL << 10U, '\0');
  const ssize_t size = ::read(worker->socket(), found.data(), found.size());
  ASSERT_GT(size, 0) << "the worker ended without a word";
  worker->kill();
  worker->wait();
  EXPECT_EQ(found.substr(0, static_cast<std::size_t>(size)), "end");
  EXPECT_EQ(images::content_of(dir.path("parent/file")), "of the parent");
  EXPECT_TRUE(std::filesystem::is_empty(dir.path("neighbour")));
  EXPECT_TRUE(std::filesystem::exists(dir.path("layer/mine")));
}

TEST_F(WorkerTest, ItsWordsAreNotTrusted) {
  const TempDir home;
  const auto image = import(home, worker_machine().lying.get());
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().kind, base::ErrorKind::kInvalid);
  EXPECT_EQ(image.error().message.find_first_of("\x1b\x07\xc2\x9b"), std::string::npos);
  expect_nothing_stored(home);
}

TEST_F(WorkerTest, ItsDeathLeavesNothingHalfImported) {
  const TempDir home;
  const auto image = import(home, worker_machine().dying.get());
  ASSERT_FALSE(image.ok());
  EXPECT_THAT(image.error().message, ::testing::HasSubstr("ended without a result"));
  expect_nothing_stored(home);
  EXPECT_TRUE(import(home, worker_machine().honest.get()).ok());
}

// Nothing is inflated in this process: not archives that are compressed as a whole, not a root file
// system whose diff id is not known yet, and not a stored layer that comes in another compression.
TEST_F(WorkerTest, InflatesWhateverIsCompressed) {
  const sandbox::WorkerServer* const honest = worker_machine().honest.get();
  const sandbox::WorkerServer* const dying = worker_machine().dying.get();
  const images::ImportOptions options = images::usual_options();
  images::ImportOptions rootfs = options;
  rootfs.kind = images::ImportKind::kRootfs;
  const std::string tar = TarBuilder().file("a", "content").finish();
  const std::string stored = pack(oci_files(OciImage().gzipped(tar)));
  const std::string other = pack(oci_files(OciImage().zstded(tar)));
  const TempDir home;
  ASSERT_TRUE(import(home, honest, stored, options).ok());
  for (const auto& [archive, wanted] :
       {std::pair(gzip(other), options), std::pair(zstd(tar), rootfs), std::pair(other, options)}) {
    const auto image = import(home, dying, archive, wanted);
    ASSERT_FALSE(image.ok());
    EXPECT_THAT(image.error().message, ::testing::HasSubstr("ended without a result"));
    const auto again = import(home, honest, archive, wanted);
    EXPECT_TRUE(again.ok()) << again.error().message;
  }
}

}  // namespace
}  // namespace stagebox::testing
