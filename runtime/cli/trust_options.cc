#include "runtime/cli/trust_options.h"

#include <filesystem>

#include "runtime/base/random_id.h"

namespace stagebox::cli {
namespace {

using base::Result;
using base::Trust;
using base::TrustDomain;

constexpr std::size_t kOwnDomainChars = 12;

}  // namespace

Result<TrustDomain> domain_of(const TrustOptions& options) {
  const Trust trust = options.trust.value_or(options.domain ? Trust::kUntrusted : Trust::kTrusted);
  if (trust == Trust::kTrusted) {
    if (!options.domain) return TrustDomain();
    return base::invalid(
        "--domain is for untrusted runs; leave out --trust trusted, or the domain");
  }
  if (!options.domain) {
    const std::string own = TRY(base::random_hex(kOwnDomainChars));
    return TrustDomain::untrusted("own-" + own);
  }
  auto domain = TrustDomain::untrusted(*options.domain);
  if (!domain.ok()) return domain.error().with_context("--domain");
  return domain;
}

Result<TrustOptions> with_absolute_policy(TrustOptions options) {
  if (!options.policy) return options;
  std::error_code error;
  const auto path = std::filesystem::absolute(*options.policy, error);
  if (error) return base::system_error("find " + *options.policy, error.value());
  options.policy = path.lexically_normal().string();
  return options;
}

}  // namespace stagebox::cli
