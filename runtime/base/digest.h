// Digest: the SHA-256 content address used everywhere (blobs, trees, actions, image layers). This
// is the only place that touches the hashing library (OpenSSL).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::base {

/// A SHA-256 value. Ordered by its bytes.
class Digest {
 public:
  static constexpr std::size_t kBytes = 32;
  static constexpr std::size_t kHexChars = 64;

  /// All zeros: "no digest yet".
  Digest() = default;
  explicit Digest(const std::array<std::uint8_t, kBytes>& bytes) : bytes_(bytes) {}

  /// Exactly 64 lower-case hexadecimal characters; anything else is kInvalid, so that a digest from
  /// outside can be used as a file name.
  static Result<Digest> from_hex(std::string_view hex);
  /// "sha256:<hex>", as in the OCI image specification, descriptor.md, "Digests".
  static Result<Digest> from_oci(std::string_view text);

  [[nodiscard]] std::string hex() const;
  /// "sha256:<hex>".
  [[nodiscard]] std::string oci() const;
  [[nodiscard]] bool is_zero() const { return *this == Digest(); }
  [[nodiscard]] const std::array<std::uint8_t, kBytes>& bytes() const { return bytes_; }

  auto operator<=>(const Digest&) const = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

/// Incremental SHA-256. Not thread-safe; one per thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> data);
  void update(std::string_view data);
  /// The digest of everything so far; starts over.
  Digest finish();

  static Digest of(std::string_view data);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stagebox::base

template <>
struct std::hash<stagebox::base::Digest> {
  std::size_t operator()(const stagebox::base::Digest& digest) const noexcept;
};
