// Fuzzes the reader of OCI bundles: whatever the bytes are, it answers; and of what it accepts, a
// plan is either refused or stays inside: no path leads up, no mount that shows the machine is
// writable, and a setting of the whole machine is never written.
#include <linux/mount.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "sandbox/oci/oci_config.h"
#include "sandbox/plan/child_plan_builder.h"

namespace {

using namespace stagebox::sandbox;

// Not assert(): it must hold in release builds too.
void require(bool condition) {
  if (!condition) std::abort();
}

bool leads_up(const std::string& path) {
  return path.starts_with('/') || ("/" + path + "/").find("/../") != std::string::npos;
}

void check_accepted(const SandboxSpec& spec) {
  for (const Mount& mount : spec.mounts) {
    require(!leads_up(mount.target));
    if (mount.type == Mount::Type::kSysfs || mount.type == Mount::Type::kCgroup)
      require((mount.attributes & MOUNT_ATTR_RDONLY) != 0);
  }
  for (const std::string& path : spec.masked_paths) require(!leads_up(path));
  for (const Device& device : spec.devices) require(!leads_up(device.target));
  if (!spec.cgroup.empty())
    require(!leads_up(spec.cgroup.substr(spec.cgroup.find_first_not_of('/'))));
  for (const auto& [file, value] : spec.limits.controllers.unified)
    require(file.find('/') == std::string::npos && !file.starts_with("cgroup."));
  for (const HugePageLimit& limit : spec.limits.controllers.huge_pages)
    require(limit.page_size.find('/') == std::string::npos);
  for (const auto& [name, value] : spec.sysctls)
    require(name.starts_with("net") || name.starts_with("kernel") || name.starts_with("fs"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ProfileContext machine;
  machine.architecture = "amd64";
  machine.scmp_architecture = "SCMP_ARCH_X86_64";
  machine.kernel_major = 6;
  auto config = oci::parse_oci_config(text, machine);
  if (!config.ok()) return 0;
  auto filter = std::make_shared<SeccompProgram>();
  filter->instructions.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
  config->spec.seccomp = filter;
  if (build_child_plan(config->spec, KernelFeatures{7, true, true, true}).ok())
    check_accepted(config->spec);
  return 0;
}
