// A part of a log as one frame of zstd, which says how large its content is and has a checksum of
// it. What the content means is others' business.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/result.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace stagebox::logs {

/// Makes one frame after the other. Not thread-safe.
class FrameMaker {
 public:
  FrameMaker();
  /// Valid until the next call.
  base::Result<std::span<const std::byte>> make(std::span<const std::byte> content);
  /// The same; nothing when it would take more than `most` bytes, which is found out early.
  base::Result<std::optional<std::span<const std::byte>>> make_within(
      std::span<const std::byte> content, std::size_t most);

 private:
  std::unique_ptr<ZSTD_CCtx_s, std::size_t (*)(ZSTD_CCtx_s*)> context_;
  std::vector<std::byte> frame_;
};

/// Nobody vouches for the frames. Not thread-safe.
class FrameOpener {
 public:
  FrameOpener();
  /// kCorrupt when it is no whole frame whose content has the size of `into`.
  base::Result<void> open(std::span<const std::byte> frame, std::span<std::byte> into);

 private:
  std::unique_ptr<ZSTD_DCtx_s, std::size_t (*)(ZSTD_DCtx_s*)> context_;
};

/// How large the content is of what begins as a frame does, by its own word; nothing when it does
/// not say, when there is none, and when it is more than `most`.
std::optional<std::size_t> content_size(std::span<const std::byte> frame, std::size_t most);

}  // namespace stagebox::logs
