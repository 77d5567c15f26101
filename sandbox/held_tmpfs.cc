#include "sandbox/held_tmpfs.h"

#include <cerrno>
#include <utility>

#include "sandbox/child/child_plan.h"

namespace stagebox::sandbox {

using base::Result;

Result<std::vector<HeldTmpfs>> hold_tmpfs(const std::vector<std::byte>& plan,
                                          std::vector<base::UniqueFd> mounts) {
  const child::PlanView view(plan.data());
  std::vector<HeldTmpfs> held;
  for (std::uint32_t i = 0; i < view.header().step_count; ++i) {
    const child::Step& step = view.step(i);
    // What is changed of a directory of the root is in a tmpfs, too.
    if (step.kind == child::StepKind::kMountTmpfs || step.kind == child::StepKind::kStageFromRoot)
      held.push_back({std::string("/") + view.text(step.text1), {}});
  }
  if (held.size() != mounts.size())
    return base::system_error("receive the file systems in memory", EBADMSG);
  for (std::size_t i = 0; i < held.size(); ++i) held[i].mount = std::move(mounts[i]);
  return held;
}

std::vector<LikelyLimit> used_up(const std::string& path, const struct statvfs& status) {
  using Which = LikelyLimit::Which;
  std::vector<LikelyLimit> limits;
  if (status.f_blocks != 0 && status.f_bfree == 0)
    limits.push_back({Which::kTmpfs, status.f_blocks * status.f_frsize, path});
  if (status.f_files != 0 && status.f_ffree == 0)
    limits.push_back({Which::kTmpfsInodes, status.f_files, path});
  return limits;
}

std::vector<LikelyLimit> used_up(std::span<const HeldTmpfs> held) {
  std::vector<LikelyLimit> all;
  for (const HeldTmpfs& tmpfs : held) {
    struct statvfs status{};
    if (::fstatvfs(tmpfs.mount.get(), &status) != 0) continue;
    for (LikelyLimit& limit : used_up(tmpfs.path, status)) all.push_back(std::move(limit));
  }
  return all;
}

}  // namespace stagebox::sandbox
