// What passes between an unpacker and the process in which it lets the work be done: one request,
// then from the worker any number of kWaiting (answered with kGo when the layers below are
// complete) and of UnpackProgress, and at last one UnpackReply. All of it is flat and of fixed
// size. The worker has read hostile bytes, so its words are checked like those of a stranger.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "images/layer/layer_unpacker.h"
#include "runtime/base/result.h"

namespace stagebox::images {

inline constexpr char kWaiting = 'w';
inline constexpr char kGo = 'g';
inline constexpr char kProgress = 'p';

// Both are made with `{}`, which clears the padding too: no byte of our stack travels along.
struct UnpackRequest {  // NOLINT(cppcoreguidelines-pro-type-member-init): see above
  std::array<char, 512> label;
  std::uint64_t offset;
  std::uint64_t size;
  std::array<std::uint8_t, base::Digest::kBytes> blob_digest;
  std::array<std::uint8_t, base::Digest::kBytes> diff_id;
  std::uint8_t has_blob_digest;
  std::uint8_t has_compression;
  std::uint8_t compression;
  std::uint8_t single_owner;
  std::uint8_t squash_ids;
  std::uint8_t has_layer;
  std::uint8_t has_list;
  std::uint32_t id_shift;
  std::uint32_t id_count;
  Limits limits;
  BudgetUse used;
};

struct UnpackReply {  // NOLINT(cppcoreguidelines-pro-type-member-init): see above
  char kind;          ///< 'r'
  std::uint8_t failed;
  std::uint8_t needs_directory;
  std::uint16_t error_kind;
  std::int32_t error_number;
  std::array<char, 2048> message;
  std::array<std::uint8_t, base::Digest::kBytes> blob;
  std::array<std::uint8_t, base::Digest::kBytes> diff_id;
  std::uint64_t tar_bytes;
  LayerStats stats;
  BudgetUse used;
};

struct UnpackProgress {  // NOLINT(cppcoreguidelines-pro-type-member-init): see above
  char kind;             ///< kProgress
  std::array<char, 7> unused;
  std::uint64_t bytes_read;
  std::uint64_t entries;
};

/// The job's descriptors travel beside it: archive; layer directory and parents, or the copy's
/// file and the list's.
UnpackRequest encode_job(const LayerJob& job);
/// `fds` in that order.
base::Result<LayerJob> decode_job(std::span<const std::byte> bytes,
                                  std::span<const base::UniqueFd> fds);

UnpackReply encode_result(const base::Result<UnpackedLayer>& result);
/// The worker's result, or its error. kInvalid when it is neither: then the layer has broken it.
base::Result<UnpackedLayer> decode_result(std::span<const std::byte> bytes);

/// The worker's part: does the job that the request describes and tells the result.
void unpack_for_socket(int socket, std::span<const std::byte> request,
                       std::span<const base::UniqueFd> fds);
/// errno of the error when the worker says nothing any more. Whoever started it knows why.
inline constexpr int kUnpackerSilent = ECONNRESET;

/// The other part: answers the worker at `socket` until it has told its result or is dead.
/// `on_progress` may be empty.
base::Result<UnpackedLayer> await_unpacked(
    int socket, ParentGate& below, const std::function<void(const LayerProgress&)>& on_progress);

}  // namespace stagebox::images
