// Between our values and the protobuf messages of reapi.proto. Internal: includes generated code,
// so only .cc files of runtime/store include it.
#pragma once

#include <google/protobuf/message_lite.h>

#include <limits>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/reapi.pb.h"

namespace stagebox::store {

namespace reapi = build::bazel::remote::execution::v2;

inline void set_digest(reapi::Digest& message, const Digest& digest, std::uint64_t size) {
  message.set_hash(digest.hex());
  message.set_size_bytes(static_cast<std::int64_t>(size));
}

inline base::Result<BlobRef> get_digest(const reapi::Digest& message) {
  if (message.size_bytes() < 0) return base::corrupt("a digest has a negative size");
  auto digest = Digest::from_hex(message.hash());
  if (!digest.ok()) return base::corrupt(digest.error().message);
  return BlobRef{*digest, static_cast<std::uint64_t>(message.size_bytes())};
}

/// Our messages have no maps, so field order makes this canonical.
inline std::string encode_message(const google::protobuf::MessageLite& message) {
  return message.SerializeAsString();
}

/// False also for more than 2 GiB, which protobuf cannot hold.
inline bool decode_message(google::protobuf::MessageLite& message, std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return false;
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace stagebox::store
