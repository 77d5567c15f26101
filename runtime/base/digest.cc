#include "runtime/base/digest.h"

// OpenSSL's functions for SHA-256 alone: they are the same code, and deprecated in 3.0 for one way
// to all algorithms, which takes a millisecond of every process that hashes to learn their names.
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/sha.h>

#include <cstdlib>
#include <cstring>

namespace stagebox::base {
namespace {

constexpr std::string_view kOciPrefix = "sha256:";

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// They always return 1; if that changed there would be no content address and nothing could go on.
void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

Result<Digest> Digest::from_hex(std::string_view hex) {
  if (hex.size() != kHexChars) return invalid("a SHA-256 digest has 64 hexadecimal characters");
  std::array<std::uint8_t, kBytes> bytes{};
  for (std::size_t i = 0; i < kBytes; ++i) {
    const int high = nibble(hex[2 * i]);
    const int low = nibble(hex[2 * i + 1]);
    if (high < 0 || low < 0)
      return invalid("a SHA-256 digest is written in lower-case hexadecimal");
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return Digest(bytes);
}

Result<Digest> Digest::from_oci(std::string_view text) {
  if (!text.starts_with(kOciPrefix)) {
    return invalid("only sha256 digests are supported, written sha256:<64 hexadecimal characters>");
  }
  return from_hex(text.substr(kOciPrefix.size()));
}

std::string Digest::hex() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text(kHexChars, '0');
  for (std::size_t i = 0; i < kBytes; ++i) {
    text[2 * i] = kHex[bytes_[i] >> 4];
    text[2 * i + 1] = kHex[bytes_[i] & 15];
  }
  return text;
}

std::string Digest::oci() const { return std::string(kOciPrefix) + hex(); }

struct Sha256::Impl {
  SHA256_CTX context{};
  Impl() { start(); }
  void start() { require(SHA256_Init(&context) == 1); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> data) {
  require(SHA256_Update(&impl_->context, data.data(), data.size()) == 1);
}

void Sha256::update(std::string_view data) { update(std::as_bytes(std::span(data))); }

Digest Sha256::finish() {
  std::array<std::uint8_t, Digest::kBytes> bytes{};
  require(SHA256_Final(bytes.data(), &impl_->context) == 1);
  impl_->start();
  return Digest(bytes);
}

Digest Sha256::of(std::string_view data) {
  static thread_local Sha256 hasher;
  hasher.update(data);
  return hasher.finish();
}

}  // namespace stagebox::base

std::size_t std::hash<stagebox::base::Digest>::operator()(
    const stagebox::base::Digest& digest) const noexcept {
  std::size_t value = 0;
  std::memcpy(&value, digest.bytes().data(), sizeof(value));
  return value;
}
