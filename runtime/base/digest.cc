#include "runtime/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

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

// SHA-256 is part of every OpenSSL provider we can be linked with; when it is missing there is no
// content address and nothing can go on.
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
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() {
    require(context != nullptr);
    start();
  }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  void start() const { require(EVP_DigestInit_ex(context, algorithm(), nullptr) == 1); }

  // Looked up once: EVP_sha256() is looked up anew by each EVP_DigestInit_ex(), which takes longer
  // than hashing a message of some hundred bytes.
  static const EVP_MD* algorithm() {
    static const EVP_MD* const found = [] {
      // openssl.cnf says nothing about hashing, and reading it takes longer than a small stage key.
      (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
      return EVP_MD_fetch(nullptr, "SHA256", nullptr);
    }();
    require(found != nullptr);
    return found;
  }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> data) {
  require(EVP_DigestUpdate(impl_->context, data.data(), data.size()) == 1);
}

void Sha256::update(std::string_view data) { update(std::as_bytes(std::span(data))); }

Digest Sha256::finish() {
  std::array<std::uint8_t, Digest::kBytes> bytes{};
  require(EVP_DigestFinal_ex(impl_->context, bytes.data(), nullptr) == 1);
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
