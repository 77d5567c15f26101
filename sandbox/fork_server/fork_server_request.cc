#include "sandbox/fork_server/fork_server_request.h"

#include <sys/mman.h>
#include <sys/stat.h>

namespace stagebox::sandbox {
namespace {

using base::UniqueFd;

std::vector<char*> pointers(const child::PlanView& view, std::uint32_t offset,
                            std::uint32_t count) {
  std::vector<char*> result;
  result.reserve(count + 1U);
  for (std::uint32_t i = 0; i < count; ++i) {
    // execve(2) takes them without const and does not write to them.
    result.push_back(const_cast<char*>(  // NOLINT(cppcoreguidelines-pro-type-const-cast)
        view.text(view.offsets(offset)[i])));
  }
  result.push_back(nullptr);
  return result;
}

}  // namespace

MappedPlan::MappedPlan(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return;
  size_ = static_cast<std::size_t>(status.st_size);
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapping == MAP_FAILED) return;
  base_ = mapping;
  const child::PlanView view(base_);
  argv_ = pointers(view, view.header().argv, view.header().argc);
  environment_ = pointers(view, view.header().environment, view.header().environment_count);
}

MappedPlan::~MappedPlan() {
  if (base_ != nullptr) (void)::munmap(base_, size_);
}

bool take_fds(const StartRequest& request, const std::vector<UniqueFd>& fds, RequestFds& named) {
  if (request.has_cgroup_dir > 1) return false;
  const std::size_t expected = std::size_t{kFixedFds} + request.has_cgroup_dir +
                               request.entered_namespaces + request.v1_tasks + request.step_fds;
  if (fds.size() != expected) return false;
  named.reply = fds[0].get();
  named.plan = fds[1].get();
  named.report = fds[2].get();
  named.exit = fds[3].get();
  for (std::size_t i = 0; i < 3; ++i) named.stdio[i] = fds[4 + i].get();
  std::size_t next = kFixedFds;
  if (request.has_cgroup_dir == 1) named.cgroup_dir = fds[next++].get();
  for (std::uint32_t i = 0; i < request.entered_namespaces; ++i)
    named.entered_namespaces.push_back(fds[next++].get());
  for (std::uint32_t i = 0; i < request.v1_tasks; ++i) named.v1_tasks.push_back(fds[next++].get());
  for (; next < fds.size(); ++next) named.steps.push_back(fds[next].get());
  return true;
}

}  // namespace stagebox::sandbox
