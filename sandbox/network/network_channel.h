// NetworkChannel: the way on which what belongs to a sandbox's network namespace comes out to us: a
// listening socket for its proxy, or the namespace itself.
#pragma once

#include <string>
#include <utility>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox::network {

/// What a sandbox with an InterfaceFromOutside, or with NetworkOwner::kForOthers, hands out.
struct HandedOutNamespaces {
  base::UniqueFd user;  ///< That owns the other one.
  base::UniqueFd network;
};

class NetworkChannel {
 public:
  static base::Result<NetworkChannel> make();
  /// For SandboxResources::network_channel; once.
  base::UniqueFd take_sandbox_end() { return std::move(sandbox_end_); }
  /// The next descriptor, which `what` names in an Error. Only when Sandbox::create or start has
  /// succeeded: then it is there already.
  [[nodiscard]] base::Result<base::UniqueFd> receive(const std::string& what) const;
  /// The same; they come before everything else.
  [[nodiscard]] base::Result<HandedOutNamespaces> receive_namespaces() const;

 private:
  base::UniqueFd our_end_;
  base::UniqueFd sandbox_end_;
};

}  // namespace stagebox::sandbox::network
