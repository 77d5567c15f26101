// What --trust, --domain and --policy mean.
#pragma once

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"

namespace stagebox::cli {

/// A domain makes a run untrusted. An untrusted run without one gets one of its own: strangers who
/// are untrusted do not have to trust each other. kInvalid for a domain with --trust trusted.
base::Result<base::TrustDomain> domain_of(const TrustOptions& options);
/// The same options; the policy is found from another working directory too.
base::Result<TrustOptions> with_absolute_policy(TrustOptions options);

}  // namespace stagebox::cli
