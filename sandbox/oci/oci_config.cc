#include "sandbox/oci/oci_config.h"

#include "sandbox/oci/oci_parts.h"
#include "sandbox/oci/oci_reader.h"
#include "sandbox/seccomp/seccomp_policy.h"
#include "sandbox/spec/number_list.h"

namespace stagebox::sandbox::oci {
namespace {

using base::Result;

constexpr std::size_t kMaxText = std::size_t{4} << 20;

// What stages have, and a bundle brings itself or does without.
void take_away_what_stages_have(SandboxSpec& spec) {
  spec.mounts.clear();
  spec.masked_paths.clear();
  spec.temporary.clear();
  spec.hosts_file = RootSpec::HostsFile::kOfTheImage;
}

Result<void> read_root(OciReader root, OciConfig& config) {
  TRY(root.read("path", config.root));
  if (config.root.empty()) return base::invalid("root.path is missing");
  bool read_only = false;
  TRY(root.read("readonly", read_only));
  config.spec.access = read_only ? RootAccess::kReadOnly : RootAccess::kThrownAway;
  return root.finish();
}

// A name is never the host's by omission.
Result<void> read_names(OciReader& config, SandboxSpec& spec) {
  if (spec.namespaces.uts != Sharing::kOwn) spec.hostname.clear();
  TRY(config.read("hostname", spec.hostname));
  return config.read("domainname", spec.domainname);
}

Result<void> read_parts(OciReader& whole, const ProfileContext& machine, OciConfig& config) {
  auto process = TRY(whole.child("process"));
  auto root = TRY(whole.child("root"));
  auto linux_part = TRY(whole.child("linux"));
  if (!process) return base::invalid("process is missing");
  if (!root) return base::invalid("root is missing");
  if (!linux_part)
    return base::unsupported("linux is missing: a sandbox has namespaces of its own");
  TRY(read_process(std::move(*process), config.spec, config.spec.oom_score_adj));
  TRY(read_root(std::move(*root), config));
  auto mounts = TRY(whole.children("mounts"));
  TRY(read_mounts(std::move(mounts), config));
  return read_linux(std::move(*linux_part), machine, config);
}

Result<void> check_version(OciReader& whole) {
  std::string version;
  TRY(whole.read("ociVersion", version));
  if (version.starts_with("1.")) return {};
  return base::unsupported("ociVersion: \"" + version + "\" is not a version 1");
}

}  // namespace

Result<void> read_number_list(OciReader& object, const char* key, std::string& list) {
  TRY(object.read(key, list));
  if (list.empty()) return {};
  const auto parsed = parse_number_list(list);
  return parsed.ok() ? Result<void>() : parsed.error().with_context(object.name_of(key));
}

Result<std::string> path_in_root(const std::string& path, const std::string& where) {
  std::string inner = path;
  while (inner.ends_with('/')) inner.pop_back();
  if (!inner.starts_with('/'))
    return base::invalid(where + ": \"" + path + "\" is not an absolute path below the root");
  return inner.substr(1);
}

namespace {

Result<std::vector<IdRange>> read_ranges(OciReader& object, const char* key) {
  std::vector<IdRange> ranges;
  auto items = TRY(object.children(key));
  for (OciReader& item : items) {
    IdRange range;
    TRY(item.read("containerID", range.inside));
    TRY(item.read("hostID", range.outside));
    TRY(item.read("size", range.count));
    TRY(item.finish());
    ranges.push_back(range);
  }
  return ranges;
}

}  // namespace

Result<std::optional<IdMappings>> read_id_mappings(OciReader& object) {
  IdMappings mappings;
  mappings.users = TRY(read_ranges(object, "uidMappings"));
  mappings.groups = TRY(read_ranges(object, "gidMappings"));
  if (mappings.users.empty() && mappings.groups.empty()) return std::optional<IdMappings>();
  if (mappings.users.empty() || mappings.groups.empty())
    return base::invalid(object.name_of("uidMappings") + " and " + object.name_of("gidMappings") +
                         " come together");
  return std::optional<IdMappings>(std::move(mappings));
}

Result<OciConfig> parse_oci_config(std::string_view text, const ProfileContext& machine) {
  if (text.size() > kMaxText) return base::invalid("config.json is larger than 4 MiB");
  const Json document = Json::parse(text, nullptr, false);
  if (document.is_discarded()) return base::invalid("config.json is not JSON");
  OciReader whole = TRY(OciReader::of(document, ""));
  OciConfig config;
  take_away_what_stages_have(config.spec);
  config.seccomp = default_seccomp_rules();
  TRY(check_version(whole));
  TRY(read_parts(whole, machine, config));
  TRY(read_names(whole, config.spec));
  TRY(whole.refuse("hooks", "hooks are programs of the host, and none are run for a sandbox"));
  (void)whole.raw("annotations");  // for people and other programs
  TRY(whole.finish());
  return config;
}

}  // namespace stagebox::sandbox::oci
