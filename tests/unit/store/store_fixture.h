// What the store's tests share: a home, a store in it, and a directory to put things into.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/store/content/content_store.h"
#include "tests/support/temp_dir.h"

namespace stagebox::store {

using stagebox::testing::TempDir;

/// Writes a file below a directory, making its parents.
inline void write_at(const TempDir& dir, const std::string& path, std::string_view content,
                     unsigned mode = 0644) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    ASSERT_TRUE(base::make_dir_at(dir.fd(), path.substr(0, slash), 0755).ok());
  }
  const base::UniqueFd fd(
      ::openat(dir.fd(), path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  ASSERT_TRUE(base::write_all(fd.get(), content).ok()) << path;
  ASSERT_EQ(::fchmod(fd.get(), mode), 0);
}

/// Makes something look as if it had last been used `seconds` ago. It may be gone: a collector may
/// run meanwhile.
inline void age_access(int dir_fd, const std::string& path, std::int64_t seconds) {
  const struct timespec times[2] = {{::time(nullptr) - seconds, 0}, {0, UTIME_OMIT}};
  const bool done = ::utimensat(dir_fd, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0;
  ASSERT_TRUE(done || errno == ENOENT) << path;
}

/// The names in a directory; by value, for loops.
inline std::vector<std::string> names_in(const std::string& path) {
  const auto dir = base::open_path(path, O_RDONLY | O_DIRECTORY);
  auto names =
      dir.ok() ? base::list_dir(dir->get()) : base::Result<std::vector<std::string>>(dir.error());
  EXPECT_TRUE(names.ok()) << path;
  return names.ok() ? std::move(*names) : std::vector<std::string>();
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = ContentStore::open(home_.fd());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::make_unique<ContentStore>(std::move(*opened));
  }

  [[nodiscard]] const ContentStore& store() const { return *store_; }
  [[nodiscard]] TreeRef put(const TreeOptions& options = {}) const {
    auto ref = store_->put_tree(source_.fd(), options);
    EXPECT_TRUE(ref.ok()) << (ref.ok() ? "" : ref.error().message);
    return ref.ok() ? *ref : TreeRef{};
  }
  [[nodiscard]] std::string put_error(const TreeOptions& options = {}) const {
    const auto ref = store_->put_tree(source_.fd(), options);
    return ref.ok() ? "no error" : ref.error().message;
  }
  [[nodiscard]] static std::string blob_path(const Digest& digest, std::string_view suffix = "") {
    return "cas/blobs/" + digest.hex().substr(0, 2) + "/" + digest.hex() + std::string(suffix);
  }
  /// No operation may leave anything unfinished.
  void TearDown() override {
    EXPECT_TRUE(names_in(home_.path("cas/tmp")).empty());
    for (const std::string& name : names_in(home_.path("cas/trees"))) {
      EXPECT_EQ(name.substr(0, name.find('.')).size(), Digest::kHexChars) << name;
    }
  }

  TempDir home_;
  TempDir source_;
  std::unique_ptr<ContentStore> store_;
};

}  // namespace stagebox::store
