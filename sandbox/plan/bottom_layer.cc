#include "sandbox/plan/bottom_layer.h"

#include <set>
#include <vector>

namespace stagebox::sandbox {
namespace {

using child::StepKind;

// Each directory once, parents first.
class LayerPlanner {
 public:
  explicit LayerPlanner(PlanWriter& plan) : plan_(plan) {
    plan_.step(StepKind::kMakeStagingDir, kBottomLayer);
  }

  void directory(const std::string& path) {
    for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1))
      one_directory(path.substr(0, end));
    one_directory(path);
  }

  void file(const std::string& path, const std::string& content) {
    directory(path.substr(0, path.rfind('/')));
    plan_.step(StepKind::kMakeStagingFile, in_layer(path), content);
  }

 private:
  void one_directory(const std::string& path) {
    if (made_.insert(path).second) plan_.step(StepKind::kMakeStagingDir, in_layer(path));
  }
  static std::string in_layer(const std::string& path) {
    return std::string(kBottomLayer) + "/" + path;
  }

  PlanWriter& plan_;
  std::set<std::string> made_;
};

}  // namespace

std::optional<std::string> hosts_file_of(const SandboxSpec& spec) {
  if (spec.hosts_file != RootSpec::HostsFile::kWritten) return std::nullopt;
  std::string names;
  for (const std::string& name : spec.host_names) names.append(" ").append(name);
  return "127.0.0.1 localhost " + spec.hostname + names + "\n::1 localhost ip6-localhost\n";
}

void plan_bottom_layer(const SandboxSpec& spec, PlanWriter& plan) {
  LayerPlanner layer(plan);
  std::vector<std::string> covered;
  // What lies in another mount is made there.
  const auto mount_point = [&](const std::string& path) {
    for (const std::string& above : covered) {
      if (path.starts_with(above + "/")) return;
    }
    if (!path.empty()) layer.directory(path);
    covered.push_back(path);
  };
  for (const Mount& mount : spec.mounts) {
    if (mount.type != Mount::Type::kBind || mount.kind == InputMount::Kind::kDirectory)
      mount_point(mount.target);
  }
  mount_point(spec.temporary);
  mount_point(spec.workspace);
  if (const auto hosts = hosts_file_of(spec)) layer.file("etc/hosts", *hosts);
  if (spec.resolver_file) layer.file("etc/resolv.conf", *spec.resolver_file);
}

}  // namespace stagebox::sandbox
