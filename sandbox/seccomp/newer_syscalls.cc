#include "sandbox/seccomp/newer_syscalls.h"

#include <algorithm>
#include <array>

namespace stagebox::sandbox {
namespace {

struct Entry {
  std::string_view name;
  int number;
};

// Since 424 (Linux 5.1) a call has one number on all architectures that we build for. Sources:
// include/uapi/asm-generic/unistd.h, and arch/x86/entry/syscalls/syscall_64.tbl.
constexpr std::array kNewer{
    Entry{"process_mrelease", 448},
    Entry{"futex_waitv", 449},
    Entry{"set_mempolicy_home_node", 450},
    Entry{"cachestat", 451},
    Entry{"fchmodat2", 452},
    Entry{"map_shadow_stack", 453},
    Entry{"futex_wake", 454},
    Entry{"futex_wait", 455},
    Entry{"futex_requeue", 456},
    Entry{"statmount", 457},
    Entry{"listmount", 458},
    Entry{"lsm_get_self_attr", 459},
    Entry{"lsm_set_self_attr", 460},
    Entry{"lsm_list_modules", 461},
    Entry{"mseal", 462},
    Entry{"setxattrat", 463},
    Entry{"getxattrat", 464},
    Entry{"listxattrat", 465},
    Entry{"removexattrat", 466},
    Entry{"open_tree_attr", 467},
    Entry{"file_getattr", 468},
    Entry{"file_setattr", 469},
#if defined(__x86_64__)
    Entry{"uretprobe", 335},
    Entry{"uprobe", 336},
#endif
};

}  // namespace

std::optional<int> newer_syscall_number(std::string_view name) {
  const auto* const found = std::ranges::find(kNewer, name, &Entry::name);
  if (found == kNewer.end()) return std::nullopt;
  return found->number;
}

std::string_view newer_syscall_name(int number) {
  const auto* const found = std::ranges::find(kNewer, number, &Entry::number);
  return found == kNewer.end() ? std::string_view() : found->name;
}

}  // namespace stagebox::sandbox
