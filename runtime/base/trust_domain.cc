#include "runtime/base/trust_domain.h"

#include <algorithm>

#include "runtime/base/printable.h"

namespace stagebox::base {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::string_view kUntrustedPrefix = "untrusted/";

bool is_letter_or_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_domain_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && is_letter_or_digit(name.front()) &&
         std::ranges::all_of(name,
                             [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
}

}  // namespace

std::string_view to_string(Trust trust) {
  return trust == Trust::kTrusted ? "trusted" : "untrusted";
}

Result<TrustDomain> TrustDomain::untrusted(std::string_view name) {
  if (!is_domain_name(name)) {
    return invalid(printable(name) +
                   " cannot be the name of a trust domain: use up to 64 letters, digits, `_`, and "
                   "after the first character also `.` and `-`");
  }
  TrustDomain domain;
  domain.name_ = name;
  return domain;
}

Result<TrustDomain> TrustDomain::parse(std::string_view text) {
  if (text == to_string(Trust::kTrusted)) return TrustDomain();
  if (text.starts_with(kUntrustedPrefix)) {
    auto domain = untrusted(text.substr(kUntrustedPrefix.size()));
    if (domain.ok()) return domain;
  }
  return corrupt(printable(text) + " is no trust domain");
}

std::string TrustDomain::text() const {
  if (trust() == Trust::kTrusted) return std::string(to_string(Trust::kTrusted));
  return std::string(kUntrustedPrefix) + name_;
}

std::vector<TrustDomain> TrustDomain::also_reads() const {
  if (trust() == Trust::kTrusted) return {};
  return {TrustDomain()};
}

}  // namespace stagebox::base
