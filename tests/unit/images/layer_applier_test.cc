// LayerApplier alone: tar entries to directories.
#include "images/layer/layer_applier.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/support/string_stream.h"
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;

using testing::StringStream;

class LayerApplierTest : public ::testing::Test {
 protected:
  /// Applies over the layers applied before; its directory is path(n).
  base::Result<LayerStats> apply(const TarBuilder& tar) {
    const std::string name = std::to_string(next_++);
    (void)base::make_dir_at(dir_.fd(), name, 0700);
    base::UniqueFd root(::openat(dir_.fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const ParentView parents(below_);
    Budget budget(limits_);
    StringStream stream(tar.finish());
    auto stats = LayerApplier(root.get(), parents, ownership_, budget).apply(stream, {});
    below_.insert(below_.begin(), root.get());
    roots_.push_back(std::move(root));
    return stats;
  }
  void expect_applied(const TarBuilder& tar) {
    const auto stats = apply(tar);
    EXPECT_TRUE(stats.ok()) << stats.error().message;
  }
  std::string refusal(const TarBuilder& tar) {
    const auto stats = apply(tar);
    return stats.ok() ? "accepted" : stats.error().message;
  }
  [[nodiscard]] std::string path(int layer, const std::string& name) const {
    return dir_.path(std::to_string(layer) + "/" + name);
  }
  [[nodiscard]] bool is_hidden(int layer, const std::string& name) const {
    const auto status = status_of(path(layer, name));
    return status && is_whiteout(*status);
  }
  [[nodiscard]] bool is_marked_opaque(int layer, const std::string& name) const {
    char value = 0;
    return ::lgetxattr(path(layer, name).c_str(), kOpaqueXattr, &value, 1) == 1 && value == 'y';
  }
  [[nodiscard]] std::string seen(const std::string& name) const {
    const auto found = ParentView(below_).find(name);
    if (!found.ok()) return "ERROR " + found.error().message;
    if (!*found) return "MISSING";
    if (S_ISDIR((*found)->status.st_mode)) return "DIR";
    const auto fd = open_found(**found, O_RDONLY);
    return *base::read_all(fd->get(), 1UL << 20U);
  }

  TempDir dir_;
  Limits limits_;
  LayerOwnership ownership_ = usual_ownership();
  std::vector<base::UniqueFd> roots_;
  std::vector<int> below_;
  int next_ = 0;
};

TEST_F(LayerApplierTest, KindsModesAndTimes) {
  TarBuilder tar;
  tar.dir(".", 0750).dir("d", 0555).file("d/f", "hello", 04711).symlink("d/l", "/no/where");
  testing::TarFields fifo;
  fifo.name = "d/p";
  fifo.type = '6';
  fifo.mode = 0622;
  fifo.pax = {{"mtime", "1234.000000567"}};
  tar.add(fifo).hardlink("h", "d/f");
  expect_applied(tar);
  EXPECT_EQ(status_of(path(0, "."))->st_mode & 07777U, 0750U);
  EXPECT_EQ(status_of(path(0, "d"))->st_mode & 07777U, 0555U);
  EXPECT_EQ(status_of(path(0, "d"))->st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(status_of(path(0, "d/f"))->st_mode & 07777U, 04711U);
  EXPECT_EQ(status_of(path(0, "d/f"))->st_nlink, 2U);
  EXPECT_EQ(content_of(path(0, "h")), "hello");
  EXPECT_EQ(std::filesystem::read_symlink(path(0, "d/l")), "/no/where");
  EXPECT_EQ(status_of(path(0, "d/l"))->st_mtim.tv_sec, 1'000'000'000);
  EXPECT_TRUE(S_ISFIFO(status_of(path(0, "d/p"))->st_mode));
  EXPECT_EQ(status_of(path(0, "d/p"))->st_mode & 07777U, 0622U);
  EXPECT_EQ(status_of(path(0, "d/p"))->st_mtim.tv_nsec, 567);
}

TEST_F(LayerApplierTest, OwnersAreShiftedAndChecked) {
  if (!is_root()) GTEST_SKIP() << "chown to other users needs root";
  ownership_.id_shift = 100000;
  TarBuilder tar;
  testing::TarFields fields;
  fields.name = "a/x";
  fields.uid = 1000;
  fields.gid = 65535;
  fields.mode = 06755;
  expect_applied(tar.add(fields, "x").symlink("l", "x"));
  EXPECT_EQ(status_of(path(0, "a/x"))->st_uid, 101000U);
  EXPECT_EQ(status_of(path(0, "a/x"))->st_gid, 165535U);
  EXPECT_EQ(status_of(path(0, "a/x"))->st_mode & 07777U, 06755U);
  EXPECT_EQ(status_of(path(0, "a"))->st_uid, 100000U);
  EXPECT_EQ(status_of(path(0, "l"))->st_uid, 100000U);
  EXPECT_EQ(status_of(path(0, "."))->st_uid, 100000U);
  for (const std::int64_t id : {std::int64_t{65536}, std::int64_t{-1}, (std::int64_t{1} << 32) + 5,
                                std::int64_t{0xffffffff}}) {
    fields.uid = id;
    EXPECT_THAT(refusal(TarBuilder().add(fields)), HasSubstr("belongs to user")) << id;
    fields.uid = 0;
    fields.pax = {{"gid", std::to_string(id)}};
    EXPECT_THAT(refusal(TarBuilder().add(fields)), HasSubstr("belongs to group")) << id;
    fields.pax.clear();
  }
}

TEST_F(LayerApplierTest, SquashedIdsBecomeNobodys) {
  if (!is_root()) GTEST_SKIP() << "chown to other users needs root";
  ownership_.id_shift = 100000;
  ownership_.unmapped = LayerOwnership::Unmapped::kSquash;
  TarBuilder tar;
  testing::TarFields fields;
  for (const std::int64_t id : {std::int64_t{65536}, std::int64_t{-1}, std::int64_t{0xffffffff}}) {
    fields.name = "f" + std::to_string(id);
    fields.pax = {{"uid", std::to_string(id)}, {"gid", "1000"}};
    tar.add(fields);
  }
  expect_applied(tar.file("plain", ""));
  for (const char* name : {"f65536", "f-1", "f4294967295"}) {
    EXPECT_EQ(status_of(path(0, name))->st_uid, 165534U) << name;
    EXPECT_EQ(status_of(path(0, name))->st_gid, 101000U) << name;
  }
  EXPECT_EQ(status_of(path(0, "plain"))->st_uid, 100000U);
  ownership_.id_count = 10;  // too few for 65534
  EXPECT_EQ(*ownership_.on_disk(70000, "user"), 100009U);
}

TEST_F(LayerApplierTest, SingleOwnerChecksIdsToo) {
  ownership_.mode = LayerOwnership::Mode::kSingle;
  testing::TarFields fields;
  fields.name = "x";
  fields.uid = 70000;
  expect_applied(TarBuilder().add(fields));
  EXPECT_EQ(status_of(path(0, "x"))->st_uid, ::geteuid());
  fields.uid = -1;
  EXPECT_THAT(refusal(TarBuilder().add(fields)), HasSubstr("no valid id"));
}

TEST_F(LayerApplierTest, NamesAreBytes) {
  // Composed and decomposed, and no UTF-8 at all: three files, in header and pax names alike.
  const std::string composed = "caf\xc3\xa9";
  const std::string decomposed = "cafe\xcc\x81";
  TarBuilder tar;
  testing::TarFields pax;
  pax.name = "x";
  pax.pax = {{"path", decomposed}};
  tar.file(composed, "1").add(pax, "2").file("raw\xff\xfe", "3");
  pax.pax = {{"path", "pax" + composed}};
  tar.add(pax, "4");
  ASSERT_NE(::setlocale(LC_ALL, "C.UTF-8"), nullptr);
  expect_applied(tar);
  ::setlocale(LC_ALL, "C");
  EXPECT_EQ(content_of(path(0, composed)), "1");
  EXPECT_EQ(content_of(path(0, decomposed)), "2");
  EXPECT_EQ(content_of(path(0, "raw\xff\xfe")), "3");
  EXPECT_EQ(content_of(path(0, "pax" + composed)), "4");
}

TEST_F(LayerApplierTest, XattrsOnlyOfAllowedKinds) {
  testing::TarFields fields;
  fields.name = "d/";
  fields.type = '5';
  fields.pax = {{"SCHILY.xattr.user.good", "1"},
                {"SCHILY.xattr.user.overlay.opaque", "y"},
                {"SCHILY.xattr.user.overlay.redirect", "/etc"},
                {"SCHILY.xattr.trusted.overlay.opaque", "y"},
                {"SCHILY.xattr.security.selinux", "x"},
                {"SCHILY.xattr.system.posix_acl_access", "x"}};
  const auto stats = apply(TarBuilder().add(fields));
  ASSERT_TRUE(stats.ok()) << stats.error().message;
  EXPECT_EQ(stats->dropped_xattrs, 5U);
  EXPECT_EQ(stats->degraded_xattrs, 0U);
  std::string names(1000, '\0');
  const ssize_t size = ::llistxattr(path(0, "d").c_str(), names.data(), names.size());
  EXPECT_THAT(names.substr(0, static_cast<std::size_t>(size)), HasSubstr("user.good"));
  EXPECT_THAT(names, ::testing::Not(HasSubstr("overlay")));
}

TEST_F(LayerApplierTest, CapabilitiesSurviveTheOwner) {
  if (!is_root()) GTEST_SKIP() << "setting file capabilities needs root";
  testing::TarFields fields;
  fields.name = "ping";
  fields.uid = 5;
  fields.mode = 0755;
  // Version 2, cap_net_raw=ep.
  fields.pax = {{"SCHILY.xattr.security.capability",
                 std::string("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00"
                             "\x00\x00\x00\x00\x00\x00\x00\x00",
                             20)}};
  const auto stats = apply(TarBuilder().add(fields, "x"));
  ASSERT_TRUE(stats.ok()) << stats.error().message;
  EXPECT_EQ(stats->degraded_xattrs, 0U);
  EXPECT_EQ(::lgetxattr(path(0, "ping").c_str(), "security.capability", nullptr, 0), 20);
}

TEST_F(LayerApplierTest, WhiteoutsHideOnlyWhatIsBelow) {
  expect_applied(TarBuilder().file("d/a", "a").file("d/b", "b").dir("e/sub").file("f", "f"));
  expect_applied(TarBuilder()
                     .whiteout("d", "a")
                     .whiteout("", "e")
                     .whiteout("new", "x")
                     .whiteout("d", "nothing"));
  EXPECT_TRUE(is_hidden(1, "d/a"));
  EXPECT_TRUE(is_hidden(1, "e"));
  EXPECT_FALSE(status_of(path(1, "new")));  // hides nothing, so nothing is made
  EXPECT_FALSE(status_of(path(1, "d/nothing")));
  EXPECT_EQ(seen("d/a"), "MISSING");
  EXPECT_EQ(seen("d/b"), "b");
  EXPECT_EQ(seen("e/sub"), "MISSING");
  EXPECT_EQ(seen("f"), "f");
}

TEST_F(LayerApplierTest, WhiteoutsActBelowWhateverTheOrder) {
  expect_applied(TarBuilder().file("a", "old").file("d/old", "old").file("g/x", "old"));
  expect_applied(TarBuilder()
                     .file("a", "new")
                     .whiteout("", "a")
                     .file("d/new", "new")
                     .whiteout("", "d")
                     .whiteout("g", "x")
                     .whiteout("", "g"));
  EXPECT_EQ(seen("a"), "new");
  EXPECT_EQ(seen("d/new"), "new");
  EXPECT_EQ(seen("d/old"), "MISSING");
  EXPECT_TRUE(is_marked_opaque(1, "d"));
  EXPECT_TRUE(is_hidden(1, "g"));
}

TEST_F(LayerApplierTest, OpaqueDirectoriesHoldNoWhiteouts) {
  expect_applied(TarBuilder().file("d/a", "a").file("d/sub/b", "b"));
  expect_applied(TarBuilder()
                     .whiteout("d", "a")
                     .file("d/c", "c")
                     .whiteout("d/sub", "b")
                     .file("d/sub/k", "k")
                     .opaque("d"));
  EXPECT_TRUE(is_marked_opaque(1, "d"));
  EXPECT_FALSE(status_of(path(1, "d/a")));
  EXPECT_FALSE(status_of(path(1, "d/sub/b")));
  EXPECT_EQ(seen("d/a"), "MISSING");
  EXPECT_EQ(seen("d/c"), "c");
  EXPECT_EQ(seen("d/sub/b"), "MISSING");
  EXPECT_EQ(seen("d/sub/k"), "k");
}

TEST_F(LayerApplierTest, OpaqueRootHidesByName) {
  expect_applied(TarBuilder().file("a", "a").file("d/x", "x").file("keep", "old"));
  expect_applied(TarBuilder().file("d/y", "y").opaque("").file("keep", "new"));
  EXPECT_TRUE(is_hidden(1, "a"));
  EXPECT_TRUE(is_marked_opaque(1, "d"));
  EXPECT_EQ(seen("keep"), "new");
  EXPECT_EQ(seen("d/x"), "MISSING");
  EXPECT_EQ(seen("d/y"), "y");
}

TEST_F(LayerApplierTest, ImpliedDirectoriesKeepTheirAttributes) {
  expect_applied(TarBuilder().dir(".", 0711).dir("tmp", 01777).dir("srv", 0700));
  expect_applied(TarBuilder().file("tmp/x", "x").file("other/y", "y"));
  EXPECT_EQ(status_of(path(1, "tmp"))->st_mode & 07777U, 01777U);
  EXPECT_EQ(status_of(path(1, "other"))->st_mode & 07777U, 0755U);
  EXPECT_EQ(status_of(path(1, "."))->st_mode & 07777U, 0711U);
  EXPECT_EQ(status_of(path(1, "tmp"))->st_mtim.tv_sec, 1'000'000'000);
}

TEST_F(LayerApplierTest, HardLinksToLowerLayersAreCopies) {
  expect_applied(TarBuilder().file("bin/a", "tool", 04755).symlink("bin/l", "a"));
  expect_applied(TarBuilder().file("unrelated", ""));
  expect_applied(TarBuilder()
                     .hardlink("b", "/bin/a")
                     .hardlink("c", "b")
                     .hardlink("m", "bin/l")
                     .symlink("loop", "loop"));
  EXPECT_EQ(content_of(path(2, "b")), "tool");
  EXPECT_EQ(status_of(path(2, "b"))->st_mode & 07777U, 04755U);
  EXPECT_EQ(status_of(path(2, "b"))->st_nlink, 2U);
  EXPECT_EQ(status_of(path(0, "bin/a"))->st_nlink, 1U);
  EXPECT_EQ(std::filesystem::read_symlink(path(2, "m")), "a");
}

TEST_F(LayerApplierTest, HardLinksThroughLinksBelow) {
  expect_applied(TarBuilder().file("usr/lib/a", "tool").symlink("lib", "/usr/../usr/lib"));
  expect_applied(TarBuilder().hardlink("b", "lib/a"));
  EXPECT_EQ(content_of(path(1, "b")), "tool");
}

TEST_F(LayerApplierTest, HardLinkOddities) {
  expect_applied(TarBuilder().file("a", "a").hardlink("a", "a").hardlink("a", "./a"));
  EXPECT_EQ(content_of(path(0, "a")), "a");
  EXPECT_THAT(refusal(TarBuilder().hardlink("x", "missing")), HasSubstr("neither this layer"));
  EXPECT_THAT(refusal(TarBuilder().dir("d").hardlink("x", "d")), HasSubstr("directory"));
  EXPECT_THAT(refusal(TarBuilder().hardlink("x", ".")), HasSubstr("root directory"));
  EXPECT_THAT(refusal(TarBuilder().file("d/t", "").hardlink("d", "d/t")), HasSubstr("link it to"));
}

TEST_F(LayerApplierTest, ALinkBelowIsHiddenByADirectory) {
  expect_applied(TarBuilder().file("usr/lib/a", "a").symlink("lib", "usr/lib"));
  const auto stats = apply(TarBuilder().file("lib/x", "x"));
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->hidden_links, 1U);
  EXPECT_EQ(content_of(path(1, "lib/x")), "x");
  EXPECT_TRUE(S_ISDIR(status_of(path(1, "lib"))->st_mode));
}

TEST_F(LayerApplierTest, ALinkOfTheSameLayerIsFollowedInside) {
  expect_applied(TarBuilder()
                     .symlink("lib", "/usr/lib")
                     .file("lib/x", "x")
                     .symlink("up", "../../../../..")
                     .file("up/y", "y")
                     .symlink("usr/back", "..")
                     .file("usr/back/z", "z"));
  EXPECT_EQ(content_of(path(0, "usr/lib/x")), "x");
  EXPECT_EQ(content_of(path(0, "y")), "y");
  EXPECT_EQ(content_of(path(0, "z")), "z");
  EXPECT_THAT(refusal(TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x", "")),
              HasSubstr("too many links"));
}

TEST_F(LayerApplierTest, LaterEntriesReplaceEarlierOnes) {
  TarBuilder tar;
  tar.dir("d", 0700).file("d/old", "old").file("d", "now a file");
  tar.file("f", "1").file("f", "2").symlink("s", "f").file("s", "not through the link");
  tar.file("g", "x").dir("g").file("g/y", "y").symlink("t", "g").dir("t").file("t/z", "z");
  expect_applied(tar);
  EXPECT_EQ(content_of(path(0, "d")), "now a file");
  EXPECT_EQ(content_of(path(0, "f")), "2");
  EXPECT_EQ(content_of(path(0, "s")), "not through the link");
  EXPECT_EQ(content_of(path(0, "g/y")), "y");
  EXPECT_EQ(content_of(path(0, "t/z")), "z");
  EXPECT_FALSE(status_of(path(0, "g/z")));
  EXPECT_THAT(refusal(TarBuilder().file("a", "").file("a/b", "")),
              HasSubstr("cannot hold entries"));
}

TEST_F(LayerApplierTest, ReplacedLinkIsForgotten) {
  // After "a" was a link to the root, it becomes a directory; what follows belongs in it.
  expect_applied(TarBuilder().symlink("a", ".").file("a/one", "1").dir("a/a").file("a/two", "2"));
  EXPECT_EQ(content_of(path(0, "one")), "1");
  EXPECT_EQ(content_of(path(0, "a/two")), "2");
}

TEST_F(LayerApplierTest, DevicesAreNotMade) {
  testing::TarFields device;
  device.name = "dev/sda";
  device.type = '4';
  testing::TarFields zero;  // would be a whiteout on disk
  zero.name = "dev/zero";
  zero.type = '3';
  const auto stats = apply(TarBuilder().add(device).add(zero).hardlink("dev/h", "dev/sda"));
  ASSERT_TRUE(stats.ok()) << stats.error().message;
  EXPECT_EQ(stats->skipped_devices, 3U);
  EXPECT_FALSE(status_of(path(0, "dev/sda")));
  EXPECT_FALSE(status_of(path(0, "dev/zero")));
}

TEST_F(LayerApplierTest, HardLinkDataIsNotWritten) {
  testing::TarFields link;
  link.name = "l";
  link.type = '1';
  link.link = "a";
  link.pax = {{"comment", "in pax archives a hard link may have data"}};
  expect_applied(TarBuilder().file("a", "original").add(link, "overwritten!"));
  EXPECT_EQ(content_of(path(0, "a")), "original");
}

TEST_F(LayerApplierTest, SparseFiles) {
  testing::TarFields sparse;
  sparse.name = "s";
  sparse.pax = {{"GNU.sparse.name", "s"},
                {"GNU.sparse.numblocks", "1"},
                {"GNU.sparse.size", "1048576"},
                {"GNU.sparse.map", "4096,3"}};
  expect_applied(TarBuilder().add(sparse, "abc"));
  const std::string content = content_of(path(0, "s"));
  ASSERT_EQ(content.size(), 1048576U);
  EXPECT_EQ(content.substr(4095, 5), std::string("\0abc\0", 5));
}

TEST_F(LayerApplierTest, LimitsAreTold) {
  limits_.entries = 5;
  EXPECT_THAT(refusal(TarBuilder().file("a/b/c/d/e/f", "")), HasSubstr("more than 5 files"));
  limits_ = {};
  limits_.expanded_bytes = 1000;
  testing::TarFields huge;
  huge.name = "h";
  huge.pax = {{"GNU.sparse.name", "h"},
              {"GNU.sparse.numblocks", "1"},
              {"GNU.sparse.size", "1099511627776"},
              {"GNU.sparse.map", "0,1"}};
  EXPECT_THAT(refusal(TarBuilder().add(huge, "a")), HasSubstr("more than 1000 bytes of files"));
  limits_ = {};
  limits_.xattrs = 2;
  testing::TarFields many;
  many.name = "m";
  many.pax = {
      {"SCHILY.xattr.user.a", "1"}, {"SCHILY.xattr.user.b", "1"}, {"SCHILY.xattr.user.c", "1"}};
  EXPECT_THAT(refusal(TarBuilder().add(many)), HasSubstr("more than 2 extended attributes"));
  limits_ = {};
  limits_.pending_bytes = 2000;
  TarBuilder dirs;
  for (int i = 0; i < 100; ++i) dirs.dir("directory" + std::to_string(i));
  EXPECT_THAT(refusal(dirs), HasSubstr("directory names"));
}

TEST_F(LayerApplierTest, CopiesOfLowerFilesAreCharged) {
  expect_applied(TarBuilder().file("big", std::string(1000, 'x')));
  limits_.expanded_bytes = 2500;
  EXPECT_THAT(refusal(TarBuilder().hardlink("1", "big").hardlink("2", "big").hardlink("3", "big")),
              HasSubstr("more than 2500 bytes of files"));
}

}  // namespace
}  // namespace stagebox::images
