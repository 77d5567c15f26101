// What the tests of the image store share: a home, archives on disk, and a look at the layers.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "images/image_store.h"
#include "images/layer/layer_applier.h"
#include "runtime/base/files.h"
#include "tests/support/oci_builder.h"
#include "tests/support/temp_dir.h"

namespace stagebox::images {

inline constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";

using testing::add_blob;
using testing::add_image_blobs;
using testing::ArchiveFiles;
using testing::docker_files;
using testing::oci_files;
using testing::OciImage;
using testing::pack;
using testing::TarBuilder;
using testing::TempDir;
using testing::unpack_to;

inline bool is_root() { return ::geteuid() == 0; }

/// What this user can do.
inline LayerOwnership usual_ownership() {
  LayerOwnership ownership;
  if (!is_root()) ownership.mode = LayerOwnership::Mode::kSingle;
  return ownership;
}

/// For amd64 wherever the tests run.
inline ImportOptions usual_options() {
  ImportOptions options;
  options.platform = {"linux", "amd64", ""};
  return options;
}

/// Everything below a directory, with type, mode, size and content of small files: two equal
/// strings, two equal trees.
inline std::string describe_tree(const std::string& path) {
  std::string text;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    names.push_back(entry.path().string());
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    struct stat status{};
    (void)::lstat(name.c_str(), &status);
    text += name + " " + std::to_string(status.st_mode) + " " + std::to_string(status.st_uid) +
            " " + std::to_string(status.st_nlink);
    if (S_ISREG(status.st_mode)) {
      const auto content = base::read_file(name, 1UL << 20U);
      text += " " + (content.ok() ? *content : "?");
    }
    text += "\n";
  }
  return text;
}

class ImageFixture : public ::testing::Test {
 protected:
  ImageFixture() : store_(open_store(usual_ownership())), erofs_store_(open_erofs_store()) {}

  [[nodiscard]] ImageStore open_store(const LayerOwnership& ownership) const {
    auto store = ImageStore::open(home_.fd(), ownership);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(*store);
  }
  /// Where EROFS cannot be mounted, it makes directories too.
  [[nodiscard]] ImageStore open_erofs_store() const {
    auto store = ImageStore::open(erofs_home_.fd(), usual_ownership(),
                                  std::make_shared<DirectUnpacker>(), LayerForms::kErofs);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(*store);
  }

  std::string archive(const std::string& content, const std::string& name = "image.tar") {
    std::string path = files_.path(name);
    testing::write_file(path, content);
    return path;
  }
  std::string archive(const OciImage& image, const std::string& name = "image.tar") {
    return archive(pack(oci_files(image)), name);
  }

  base::Result<Image> import(const std::string& path) {
    return store_.import_archive(path, usual_options());
  }
  base::Result<Image> import(const OciImage& image) { return import(archive(image)); }

  /// The import must fail as the user's mistake, say `what`, and leave nothing, whatever the form.
  void expect_refused(const std::string& path, const std::string& what) {
    for (const ImageStore* store : {&store_, &erofs_store_}) {
      const auto image = store->import_archive(path, usual_options());
      ASSERT_FALSE(image.ok()) << "imported although: " << what;
      EXPECT_EQ(image.error().kind, base::ErrorKind::kInvalid) << image.error().message;
      EXPECT_THAT(image.error().message, ::testing::HasSubstr(what));
    }
    expect_nothing_stored();
  }
  void expect_refused(const OciImage& image, const std::string& what) {
    expect_refused(archive(image), what);
  }
  void expect_layer_refused(const TarBuilder& tar, const std::string& what) {
    expect_refused(OciImage().gzipped(tar.finish()), what);
  }

  void expect_nothing_stored() {
    for (const TempDir* home : {&home_, &erofs_home_}) {
      for (const char* name : {"layers", "manifests", "configs", "refs", "memo", "tmp"}) {
        EXPECT_TRUE(std::filesystem::is_empty(home->path("images/" + std::string(name)))) << name;
      }
    }
  }

  /// The path of a layer's root directory, 0 = top.
  std::string layer(const Image& image, std::size_t index) {
    auto rootfs = store_.rootfs(image);
    if (!rootfs.ok() || index >= rootfs->layers.size()) return "/nonexistent";
    const std::string link = "/proc/self/fd/" + std::to_string(rootfs->layers[index].get());
    return std::filesystem::read_symlink(link).string();
  }

  TempDir home_;
  TempDir erofs_home_;
  TempDir files_;
  ImageStore store_;
  ImageStore erofs_store_;
};

inline std::string content_of(const std::string& path) {
  auto content = base::read_file(path, 64UL << 20U);
  return content.ok() ? *content : "ERROR " + content.error().message;
}

inline std::optional<struct stat> status_of(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return status;
}

inline TarBuilder small_layer() {
  TarBuilder tar;
  tar.dir("bin").file("bin/sh", "#!", 0755).file("etc/passwd", "root:x:0:0::/:/bin/sh\n");
  return tar;
}

}  // namespace stagebox::images
