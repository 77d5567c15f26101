#include "runtime/cli/exec_permit.h"

#include <filesystem>

#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/cli/exec_limits.h"
#include "runtime/run/policy/policy_files.h"

namespace stagebox::cli {
namespace {

using base::Result;

Result<std::string> real_path(const std::string& path, const std::string& option) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  if (!error) return real.string();
  return base::not_found(option + ": " + base::printable(path) +
                         " cannot be used: " + base::errno_text(error.value()));
}

Result<run::Asked> asked_for(const ExecOptions& options, const scheduler::Network& network) {
  run::Asked asked;
  asked.who = "exec";
  asked.network = network;
  for (const ExecMount& mount : options.mounts) asked.host_paths.push_back(mount.source);
  asked.seccomp_profile = options.seccomp_profile;
  asked.capabilities = TRY(parse_capabilities(options.capabilities));
  for (const auto& [name, source] : options.secrets) asked.secrets.push_back(name);
  asked.limits = TRY(parse_limits(options.limits));
  if (options.timeout) asked.timeout = TRY(base::parse_duration(*options.timeout));
  asked.image = options.image;
  asked.pin = TRY(pinned_digest(options));
  return asked;
}

}  // namespace

Result<ExecOptions> with_real_paths(ExecOptions options) {
  for (ExecMount& mount : options.mounts) mount.source = TRY(real_path(mount.source, "--mount"));
  if (!options.seccomp_profile.empty())
    options.seccomp_profile = TRY(real_path(options.seccomp_profile, "--seccomp"));
  return options;
}

Result<run::Permit> permit_exec(const ExecOptions& options, const scheduler::Network& network) {
  const run::Asked asked = TRY(asked_for(options, network));
  run::PolicySources sources;
  sources.file = options.trust.policy;
  const base::Trust trust = options.trust.trust.value_or(base::Trust::kTrusted);
  const run::Policy policy = TRY(run::load_policy(trust, sources));
  return run::permit(policy, std::span(&asked, 1));
}

Result<std::optional<base::Digest>> pinned_digest(const ExecOptions& options) {
  if (options.digest.empty()) return std::optional<base::Digest>();
  const auto digest = base::Digest::from_oci(options.digest);
  if (digest.ok()) return std::optional(*digest);
  return base::invalid("--digest: " + base::printable(options.digest) +
                       " is not \"sha256:\" and 64 hexadecimal digits");
}

}  // namespace stagebox::cli
