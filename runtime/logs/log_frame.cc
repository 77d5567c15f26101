#include "runtime/logs/log_frame.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <string>

namespace stagebox::logs {
namespace {

using base::Result;

// 1: half of what 3 takes of the processor, and a tenth larger.
constexpr int kLevel = 1;

}  // namespace

FrameMaker::FrameMaker() : context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
  (void)ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
  (void)ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

Result<std::span<const std::byte>> FrameMaker::make(std::span<const std::byte> content) {
  const auto made = TRY(make_within(content, ZSTD_compressBound(content.size())));
  if (made) return *made;
  return base::Error{base::ErrorKind::kSystem, 0, "compress a log: zstd takes more than it said"};
}

Result<std::optional<std::span<const std::byte>>> FrameMaker::make_within(
    std::span<const std::byte> content, std::size_t most) {
  if (frame_.size() < most) frame_.resize(most);
  const std::size_t size =
      ZSTD_compress2(context_.get(), frame_.data(), most, content.data(), content.size());
  if (ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall)
    return std::optional<std::span<const std::byte>>();
  if (ZSTD_isError(size) != 0) {
    return base::Error{base::ErrorKind::kSystem, 0,
                       std::string("compress a log: ") + ZSTD_getErrorName(size)};
  }
  return std::optional(std::span<const std::byte>(frame_).first(size));
}

FrameOpener::FrameOpener() : context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {}

Result<void> FrameOpener::open(std::span<const std::byte> frame, std::span<std::byte> into) {
  const std::size_t size =
      ZSTD_decompressDCtx(context_.get(), into.data(), into.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0) return base::corrupt(ZSTD_getErrorName(size));
  if (size != into.size()) return base::corrupt("there is less in it than it says");
  return {};
}

std::optional<std::size_t> content_size(std::span<const std::byte> frame, std::size_t most) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) return std::nullopt;
  if (size == 0 || size > most) return std::nullopt;
  return static_cast<std::size_t>(size);
}

}  // namespace stagebox::logs
