#include "images/stream/compression.h"

#include <gtest/gtest.h>

#include "tests/support/oci_builder.h"
#include "tests/support/string_stream.h"

namespace stagebox::images {
namespace {

using testing::StringStream;

using Maker = std::unique_ptr<ByteStream> (*)(ByteStream&, std::size_t);

base::Result<std::string> drain(Maker maker, const std::string& data, std::size_t piece) {
  StringStream upstream(data, piece);
  const auto stream = maker(upstream, 0);
  std::string out;
  for (;;) {
    const auto part = stream->next();
    if (!part.ok()) return part.error();
    if (part->empty()) return out;
    out.append(reinterpret_cast<const char*>(part->data()), part->size());
  }
}

std::string sample(std::size_t size) {
  std::string text;
  for (unsigned state = 1; text.size() < size; state = state * 1664525U + 1013904223U) {
    text += std::string(state % 7 + 1, static_cast<char>(state >> 24U));
  }
  return text.substr(0, size);
}

constexpr std::array<std::size_t, 6> kPieces = {1, 2, 3, 7, 1000, 1UL << 20U};

TEST(Gzip, MembersInPiecesOfAnySize) {
  const std::string one = sample(70'000);
  const std::string data = testing::gzip(one) + testing::gzip("") + testing::gzip("tail");
  for (const std::size_t piece : kPieces) {
    const auto out = drain(make_gzip_stream, data, piece);
    ASSERT_TRUE(out.ok()) << piece << ": " << out.error().message;
    EXPECT_EQ(*out, one + "tail") << piece;
  }
}

TEST(Gzip, LargerThanItsBuffers) {
  const std::string data = sample(5UL << 20U);
  EXPECT_EQ(*drain(make_gzip_stream, testing::gzip(data), 65536), data);
  const std::string zeros(40UL << 20U, '\0');
  EXPECT_EQ(*drain(make_gzip_stream, testing::gzip(zeros), 65536), zeros);
}

TEST(Gzip, PaddingOfZeros) {
  EXPECT_EQ(*drain(make_gzip_stream, testing::gzip("x") + std::string(100, '\0'), 5), "x");
  EXPECT_FALSE(drain(make_gzip_stream, testing::gzip("x") + "junk", 5).ok());
  EXPECT_FALSE(drain(make_gzip_stream, testing::gzip("x") + '\0' + testing::gzip("y"), 5).ok());
}

TEST(Gzip, EveryTruncationIsFound) {
  const std::string data = testing::gzip(sample(3000));
  for (std::size_t length = 0; length < data.size(); ++length) {
    EXPECT_FALSE(drain(make_gzip_stream, data.substr(0, length), 64).ok()) << length;
  }
}

TEST(Gzip, EveryFlippedByteIsFoundOrHarmless) {
  const std::string plain = sample(3000);
  const std::string data = testing::gzip(plain);
  for (std::size_t at = 10; at < data.size(); ++at) {
    std::string broken = data;
    broken[at] = static_cast<char>(broken[at] ^ 0x10);
    const auto out = drain(make_gzip_stream, broken, 64);
    EXPECT_TRUE(!out.ok() || *out == plain) << at;
  }
}

TEST(Zstd, FramesInPiecesOfAnySize) {
  const std::string one = sample(70'000);
  const std::string data = testing::zstd_skippable("table") + testing::zstd(one) +
                           testing::zstd_skippable("") + testing::zstd("tail") +
                           testing::zstd_skippable("manifest");
  for (const std::size_t piece : kPieces) {
    const auto out = drain(make_zstd_stream, data, piece);
    ASSERT_TRUE(out.ok()) << piece << ": " << out.error().message;
    EXPECT_EQ(*out, one + "tail") << piece;
  }
}

TEST(Zstd, LargerThanItsBuffers) {
  const std::string data = sample(5UL << 20U) + std::string(40UL << 20U, '\0');
  EXPECT_EQ(*drain(make_zstd_stream, testing::zstd(data), 65536), data);
}

TEST(Zstd, EveryTruncationIsFound) {
  const std::string data = testing::zstd(sample(3000));
  for (std::size_t length = 0; length < data.size(); ++length) {
    EXPECT_FALSE(drain(make_zstd_stream, data.substr(0, length), 64).ok()) << length;
  }
  EXPECT_FALSE(drain(make_zstd_stream, data + "junk", 64).ok());
}

TEST(Compression, Magic) {
  const auto of = [](std::string_view text) {
    return compression_of_magic(std::as_bytes(std::span(text)));
  };
  EXPECT_EQ(of(testing::gzip("x")), Compression::kGzip);
  EXPECT_EQ(of(testing::zstd("x")), Compression::kZstd);
  EXPECT_EQ(of(testing::zstd_skippable("x")), Compression::kZstd);
  EXPECT_EQ(of("etc/pass"), Compression::kNone);
  EXPECT_EQ(of(""), Compression::kNone);
  EXPECT_EQ(of("BZh91AY&"), std::nullopt);
}

TEST(Compression, MediaTypes) {
  EXPECT_EQ(*compression_of_media_type("application/vnd.oci.image.layer.v1.tar+zstd"),
            Compression::kZstd);
  EXPECT_EQ(*compression_of_media_type("application/vnd.docker.image.rootfs.diff.tar.gzip"),
            Compression::kGzip);
  EXPECT_FALSE(compression_of_media_type("application/vnd.oci.image.layer.v1.tar+encrypted").ok());
  EXPECT_FALSE(compression_of_media_type("text/plain").ok());
  EXPECT_FALSE(compression_of_media_type("").ok());
}

}  // namespace
}  // namespace stagebox::images
