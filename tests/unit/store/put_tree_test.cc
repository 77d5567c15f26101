// What becomes a stored tree, what is refused, and how it says so.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using base::UniqueFd;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(StoreTest, TreesAreMerkleTrees) {
  write_at(source_, "b/inner", "inner");
  write_at(source_, "tool", "tool", 0755);
  write_at(source_, "a.txt", "text", 0604);
  ASSERT_EQ(::symlinkat("../../etc/passwd", source_.fd(), "link"), 0);
  ASSERT_EQ(::mkdirat(source_.fd(), "empty", 0700), 0);
  const TreeRef tree = put();
  EXPECT_EQ(tree.files, 3U);
  EXPECT_EQ(tree.bytes, 13U);
  const auto root = store().read_directory(tree.root);
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->encode().size(), tree.size);
  ASSERT_EQ(root->files.size(), 2U);
  EXPECT_EQ(root->files[0], (FileEntry{"a.txt", Sha256::of("text"), 4, Executable::kNo}));
  EXPECT_EQ(root->files[1], (FileEntry{"tool", Sha256::of("tool"), 4, Executable::kYes}));
  ASSERT_EQ(root->directories.size(), 2U);
  EXPECT_EQ(root->directories[1], (DirectoryEntry{"empty", Sha256::of(""), 0}));
  ASSERT_EQ(root->symlinks.size(), 1U);
  EXPECT_EQ(root->symlinks[0], (SymlinkEntry{"link", "../../etc/passwd"}));
  EXPECT_TRUE(store().has_tree(tree.root));
}

TEST_F(StoreTest, OnlyContentCounts) {
  write_at(source_, "f", "x", 0640);
  const TreeRef before = put();
  const struct timespec times[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(source_.fd(), "f", times, 0), 0);
  ASSERT_EQ(::fchmodat(source_.fd(), "f", 06644, 0), 0) << "setuid and setgid are dropped";
  EXPECT_EQ(put(), before);
  ASSERT_EQ(::fchmodat(source_.fd(), "f", 0744, 0), 0);
  EXPECT_NE(put().root, before.root) << "executable is content";
}

TEST_F(StoreTest, ExcludesAreNotEvenLookedAt) {
  write_at(source_, "keep/f", "x");
  const TreeRef plain = put();
  write_at(source_, ".git/config", "x");
  write_at(source_, "keep/build-1/o", "x");
  ASSERT_EQ(::mkfifoat(source_.fd(), "keep/pipe", 0600), 0);
  TreeOptions options;
  options.exclude = *base::PathPatterns::parse({".git", "build-*/", "keep/pipe"});
  EXPECT_EQ(put(options), plain);
}

/// The paths of a stored tree, directories with a slash at their end.
std::vector<std::string> paths_of(const ContentStore& store, const Digest& root,
                                  const std::string& prefix = "") {
  std::vector<std::string> paths;
  const DirectoryListing listing = store.read_directory(root).value();
  for (const FileEntry& file : listing.files) paths.push_back(prefix + file.name);
  for (const SymlinkEntry& link : listing.symlinks) paths.push_back(prefix + link.name);
  for (const DirectoryEntry& child : listing.directories) {
    const std::string path = prefix + child.name + "/";
    paths.push_back(path);
    const auto below = paths_of(store, child.digest, path);
    paths.insert(paths.end(), below.begin(), below.end());
  }
  return paths;
}

UniqueFd bind_socket(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
  return socket;
}

TEST_F(StoreTest, IncludesTakeWholeDirectoriesAndNoEmptyOnesOnTheWay) {
  write_at(source_, "a.c", "x");
  write_at(source_, "no", "x");
  write_at(source_, "lib/b.c", "x");
  write_at(source_, "lib/all/x/y", "x");
  write_at(source_, "lib/all/x/z.o", "x");
  write_at(source_, "empty/of/that", "x");
  ASSERT_EQ(::mkdirat(source_.fd(), "lib/all/void", 0755), 0);
  TreeOptions options;
  options.include = *base::PathPatterns::parse({"*.c", "lib/all", "!*.o"});
  EXPECT_THAT(paths_of(store(), put(options).root),
              ElementsAre("a.c", "lib/", "lib/b.c", "lib/all/", "lib/all/void/", "lib/all/x/",
                          "lib/all/x/y"));
}

TEST_F(StoreTest, IgnoreFilesCountWhereTheyAreAndTheInnermostDecides) {
  write_at(source_, ".gitignore", "*.o\n/d/deep.txt\nout/\n");
  write_at(source_, "d/.gitignore", "!keep.o\n");
  for (const char* path : {"a", "a.o", "d/keep.o", "d/b.o", "d/deep.txt", "out/x", "outer"})
    write_at(source_, path, "x");
  TreeOptions options;
  options.gitignore = true;
  EXPECT_THAT(paths_of(store(), put(options).root),
              ElementsAre(".gitignore", "a", "outer", "d/", "d/.gitignore", "d/keep.o"));
  options.exclude = *base::PathPatterns::parse({"!a.o", "outer"});
  options.outer_ignores = {{"in", base::PathPatterns::parse_ignore_file("/in/a\n!*.o\n")}};
  EXPECT_THAT(paths_of(store(), put(options).root),
              ElementsAre(".gitignore", "a.o", "d/", "d/.gitignore", "d/keep.o"));
}

TEST_F(StoreTest, AnIgnoreFileThatIsALinkIsNone) {
  write_at(source_, "rules", "a\n");
  write_at(source_, "a", "x");
  ASSERT_EQ(::symlinkat("rules", source_.fd(), ".gitignore"), 0);
  TreeOptions options;
  options.gitignore = true;
  EXPECT_THAT(paths_of(store(), put(options).root), ElementsAre("a", "rules", ".gitignore"));
}

TEST_F(StoreTest, AnIgnoreFileThatIsASocketIsNone) {
  write_at(source_, "a", "x");
  const UniqueFd socket = bind_socket(source_.path(".gitignore"));
  TreeOptions options;
  options.gitignore = true;
  options.exclude = *base::PathPatterns::parse({".gitignore"});
  EXPECT_THAT(paths_of(store(), put(options).root), ElementsAre("a"));
}

TEST_F(StoreTest, ManyFilesAreTakenByManyThreads) {
  for (int i = 0; i < 600; ++i) {
    write_at(source_, "d" + std::to_string(i % 7) + "/f" + std::to_string(i), std::to_string(i));
  }
  TreeOptions options;
  options.stat_cache_key = "source";
  const TreeRef tree = put(options);
  EXPECT_EQ(tree.files, 600U);
  EXPECT_EQ(tree.bytes, 10U + 90U * 2 + 500U * 3);
  EXPECT_TRUE(store().has_tree(tree.root));
  EXPECT_EQ(put(options), tree);
  const auto opened = store().open_tree(tree.root);
  EXPECT_EQ(*base::read_file_at(opened->get(), "d" + std::to_string(599 % 7) + "/f599", 9), "599");
  write_at(source_, "d3/pipe", "x");
  ASSERT_EQ(::fchmodat(source_.fd(), "d3/pipe", 0, 0), 0);
  if (::geteuid() == 0) return;
  EXPECT_THAT(put_error(options), HasSubstr("\"d3/pipe\""));
}

TEST_F(StoreTest, SpecialFilesAreRefusedByName) {
  ASSERT_EQ(::mkdirat(source_.fd(), "d", 0700), 0);
  ASSERT_EQ(::mkfifoat(source_.fd(), "d/pipe", 0600), 0);
  EXPECT_THAT(put_error(), HasSubstr("\"d/pipe\" is a fifo"));
  ASSERT_EQ(::unlinkat(source_.fd(), "d/pipe", 0), 0);
  const UniqueFd socket = bind_socket(source_.path("s"));
  EXPECT_THAT(put_error(), HasSubstr("\"s\" is a socket"));
  ASSERT_EQ(::unlinkat(source_.fd(), "s", 0), 0);
  if (::mknodat(source_.fd(), "null", S_IFCHR | 0666, makedev(1, 3)) == 0) {
    EXPECT_THAT(put_error(), HasSubstr("\"null\" is a character device"));
  }
}

TEST_F(StoreTest, NamesThatAreNotUtf8AreRefusedWithoutTouchingTheTerminal) {
  write_at(source_, "bad\xFF\x1B[2J", "x");
  const std::string message = put_error();
  EXPECT_THAT(message, HasSubstr("\\xff\\x1b[2J"));
  EXPECT_THAT(message, HasSubstr("UTF-8"));
  EXPECT_EQ(message.find('\x1B'), std::string::npos);
  ASSERT_EQ(::unlinkat(source_.fd(), "bad\xFF\x1B[2J", 0), 0);
  ASSERT_EQ(::symlinkat("\xFF", source_.fd(), "l"), 0);
  EXPECT_THAT(put_error(), HasSubstr("target of the link \"l\""));
}

TEST_F(StoreTest, LinksAreNeverFollowed) {
  const TempDir secret;
  write_at(secret, "key", "do not store me");
  ASSERT_EQ(::symlinkat(secret.path().c_str(), source_.fd(), "dir"), 0);
  ASSERT_EQ(::symlinkat(secret.path("key").c_str(), source_.fd(), "file"), 0);
  const TreeRef tree = put();
  EXPECT_EQ(tree.files, 0U);
  EXPECT_FALSE(store().has_blob(Sha256::of("do not store me")));
}

TEST_F(StoreTest, LimitsAreErrorsThatNameThem) {
  write_at(source_, "a/f1", std::string(100, 'x'));
  write_at(source_, "a/f2", std::string(100, 'y'));
  TreeOptions bytes;
  bytes.max_bytes = 199;
  EXPECT_THAT(put_error(bytes), HasSubstr("199 B"));
  bytes.max_bytes = 200;
  EXPECT_EQ(put(bytes).bytes, 200U);
  TreeOptions entries;
  entries.max_entries = 2;
  EXPECT_THAT(put_error(entries), HasSubstr("more than 2 entries"));
  entries.max_entries = 3;
  EXPECT_EQ(put(entries).files, 2U);
  TreeOptions directory;
  directory.max_directory_entries = 1;
  EXPECT_THAT(put_error(directory), HasSubstr("\"a\" has more than 1 entries"));
  directory.max_directory_entries = 2;
  EXPECT_EQ(put(directory).files, 2U);
  TreeOptions depth;
  depth.max_depth = 0;
  EXPECT_THAT(put_error(depth), HasSubstr("deeper than 0"));
  depth.max_depth = 1;
  EXPECT_EQ(put(depth).files, 2U);
}

TEST_F(StoreTest, ASparseGiantIsRefusedBeforeItIsRead) {
  const auto fd = base::open_path(source_.path("giant"), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::ftruncate(fd->get(), off_t{1} << 42), 0);
  EXPECT_THAT(put_error(), HasSubstr("\"giant\""));
}

/// Longer than a path may be, so that only walking level by level gets there.
constexpr int kDeep = 600;
constexpr const char* kLevel = "directory";

void make_deep(int dir_fd) {
  UniqueFd at(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < kDeep; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), kLevel, 0755), 0);
    at.reset(::openat(at.get(), kLevel, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(at.valid());
  }
  const UniqueFd leaf(::openat(at.get(), "leaf", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(base::write_all(leaf.get(), "deep").ok());
}

TEST_F(StoreTest, DepthNeedsNoDescriptors) {
  make_deep(source_.fd());
  struct rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const struct rlimit few = {128, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto tree = store().put_tree(source_.fd());
  const auto opened =
      tree.ok() ? store().open_tree(tree->root) : base::Result<UniqueFd>(tree.error());
  const TempDir out;
  const auto exported =
      tree.ok() ? store().export_tree(tree->root, out.fd()) : base::Result<void>(tree.error());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  EXPECT_EQ(tree->files, 1U);
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_TRUE(exported.ok()) << exported.error().message;
  EXPECT_EQ(store().put_tree(out.fd())->root, tree->root);
  TreeOptions options;
  options.max_depth = kDeep;
  EXPECT_EQ(put(options).root, tree->root);
  options.max_depth = kDeep - 1;
  EXPECT_THAT(put_error(options), HasSubstr("deeper than 599"));
}

TEST_F(StoreTest, WhatCannotBeReadIsAnErrorNotAHole) {
  write_at(source_, "open", "x");
  write_at(source_, "closed", "x", 0000);
  const auto attempt = [this] {
    if (::geteuid() == 0) {
      // Root reads everything, so this is tried as nobody, with a store of its own.
      if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) return 9;
    }
    const TempDir home;
    const auto own = ContentStore::open(home.fd());
    const auto tree = own->put_tree(source_.fd());
    if (tree.ok()) return 1;
    const bool named = tree.error().message.find("\"closed\"") != std::string::npos;
    return named && tree.error().kind == base::ErrorKind::kInvalid ? 0 : 2;
  };
  ASSERT_EQ(::fchmod(source_.fd(), 0755), 0);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(attempt());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(StoreTest, WhatCannotBeStoredCanBeLeftOut) {
  write_at(source_, "d/f", "x");
  const Digest without = put().root;
  ASSERT_EQ(::mkfifoat(source_.fd(), "d/pipe", 0600), 0);
  EXPECT_NE(put_error(), "no error");
  TreeOptions options;
  options.special_files = SpecialFiles::kLeftOut;
  EXPECT_EQ(put(options).root, without);
}

TEST_F(StoreTest, AFailureLeavesNothing) {
  for (int i = 0; i < 30; ++i) write_at(source_, "f" + std::to_string(i), std::to_string(i));
  ASSERT_EQ(::mkfifoat(source_.fd(), "z", 0600), 0);
  EXPECT_NE(put_error(), "no error");
  EXPECT_FALSE(store().has_blob(Sha256::of("7"))) << "nothing of a failed batch appears";
}  // TearDown looks at tmp/

}  // namespace
}  // namespace stagebox::store
