#include "runtime/run/memo/run_memo.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

using base::Sha256;
using store::EntryStamp;

EntryStamp stamp(std::uint64_t seed) {
  return {.device = seed,
          .inode = seed + 1,
          .size = seed + 2,
          .mode = seed + 3,
          .mtime_ns = static_cast<std::int64_t>(seed) + 4,
          .ctime_ns = -static_cast<std::int64_t>(seed)};
}

/// Something in every field, and every kind of emptiness.
RunMemo sample() {
  RunMemo memo;
  memo.question = std::string("run\0of", 6);
  memo.boot = "boot";
  memo.clock = {12345, -678};
  memo.machine = "2 cpus";
  memo.project = {MemoPlace::Root::kHost, "/src", stamp(1)};
  memo.places = {{MemoPlace::Root::kHost, "/src/stagebox.yaml", stamp(2)},
                 {MemoPlace::Root::kProject, "file", stamp(3)},
                 {MemoPlace::Root::kProjectNoLink, ".gitignore", std::nullopt}};
  memo.walks = {
      {"src", {{".", stamp(4), {{"a", stamp(5)}, {"b", stamp(6)}}}, {"sub", stamp(7), {}}}}};
  memo.state_files = {{"ac/12", stamp(8)}};
  memo.blobs = {{Sha256::of("1"), store::Executable::kYes, stamp(9)},
                {Sha256::of("2"), store::Executable::kNo, stamp(10)}};
  memo.stages = {{"one", false, "from run 0000"},
                 {"two", true, "its condition is false"},
                 {"three", false, "", store::CoverageRef{{Sha256::of("3"), 4}, 8, 7, 6, 5}}};
  memo.pipeline = "zlib";
  memo.file = "/src/stagebox.yaml";
  memo.warning = "careful\n";
  memo.run_id = "aaaa";
  memo.shared = {store::Timestamp(std::chrono::milliseconds(99)), true};
  return memo;
}

/// `bytes` with a checksum that fits.
std::string sealed_again(std::string bytes) {
  bytes.resize(bytes.size() - base::Digest::kBytes);
  const base::Digest digest = Sha256::of(bytes);
  return bytes.append(reinterpret_cast<const char*>(digest.bytes().data()), base::Digest::kBytes);
}

TEST(RunMemo, IsTheSameAfterEncoding) {
  EXPECT_EQ(decode_memo(encode_memo(sample())), sample());
  EXPECT_EQ(decode_memo(encode_memo(RunMemo())), RunMemo());
}

TEST(RunMemo, NoByteCanBeAnother) {
  const std::string good = encode_memo(sample());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      EXPECT_FALSE(decode_memo(bad)) << at;
    }
  }
}

TEST(RunMemo, NoByteCanBeMissingOrTooMany) {
  const std::string good = encode_memo(sample());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_memo(good.substr(0, size))) << size;
  EXPECT_FALSE(decode_memo(good + '\0'));
  EXPECT_FALSE(decode_memo(good + good));
}

// What the checksum keeps out must not do harm either: it is no secret.
TEST(RunMemo, NothingIsReadBeyondItsEnd) {
  const std::string good = encode_memo(sample());
  std::size_t accepted = 0;
  for (std::size_t at = 20; at + base::Digest::kBytes < good.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      const auto memo = decode_memo(sealed_again(bad));
      if (!memo) continue;
      ++accepted;
      EXPECT_NE(*memo, sample()) << "every byte means something: " << at;
    }
    std::string cut = good.substr(0, at) + std::string(base::Digest::kBytes, 'x');
    EXPECT_FALSE(decode_memo(sealed_again(cut))) << at;
  }
  EXPECT_GT(accepted, 100U);
}

TEST(MemoClock, ShowsThatSomebodySetTheTime) {
  const MemoClock then{1000, 500};
  EXPECT_TRUE(then.goes_with({2000, 500}));
  EXPECT_TRUE(then.goes_with({2000, 500 + 400'000'000})) << "ntp may correct it slowly";
  EXPECT_FALSE(then.goes_with({2000, 500 + 600'000'000}));
  EXPECT_FALSE(then.goes_with({2000, 500 - 600'000'000}));
  EXPECT_TRUE(MemoClock::now().goes_with(MemoClock::now()));
}

}  // namespace
}  // namespace stagebox::run
