// TrustDomain: whom a run belongs to, as far as its results are concerned. It is part of every
// stage key (as the action's salt), so that a domain reads only what it may read, by construction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::base {

/// Whether somebody who may be trusted wrote the pipeline file and the inputs.
enum class Trust { kTrusted, kUntrusted };

/// "trusted" or "untrusted".
std::string_view to_string(Trust trust);

/// Trusted runs share one domain. Each untrusted run is in one that has a name.
class TrustDomain {
 public:
  /// The trusted one.
  TrustDomain() = default;
  /// 1 to 64 of [A-Za-z0-9_.-], no dot or dash first; else kInvalid.
  static Result<TrustDomain> untrusted(std::string_view name);
  /// What text() gave; kCorrupt for anything else.
  static Result<TrustDomain> parse(std::string_view text);

  [[nodiscard]] Trust trust() const { return name_.empty() ? Trust::kTrusted : Trust::kUntrusted; }
  /// Empty for the trusted one.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// "trusted" or "untrusted/NAME"; never with a line break, and no two domains have the same.
  [[nodiscard]] std::string text() const;
  /// The other domains whose results it may take: the trusted one, unless it is that.
  [[nodiscard]] std::vector<TrustDomain> also_reads() const;

  bool operator==(const TrustDomain&) const = default;

 private:
  std::string name_;
};

}  // namespace stagebox::base
