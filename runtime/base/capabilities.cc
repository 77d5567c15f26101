#include "runtime/base/capabilities.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>

namespace stagebox::base {
namespace {

// In the order of linux/capability.h.
constexpr std::array<std::string_view, 41> kNames{"CHOWN",
                                                  "DAC_OVERRIDE",
                                                  "DAC_READ_SEARCH",
                                                  "FOWNER",
                                                  "FSETID",
                                                  "KILL",
                                                  "SETGID",
                                                  "SETUID",
                                                  "SETPCAP",
                                                  "LINUX_IMMUTABLE",
                                                  "NET_BIND_SERVICE",
                                                  "NET_BROADCAST",
                                                  "NET_ADMIN",
                                                  "NET_RAW",
                                                  "IPC_LOCK",
                                                  "IPC_OWNER",
                                                  "SYS_MODULE",
                                                  "SYS_RAWIO",
                                                  "SYS_CHROOT",
                                                  "SYS_PTRACE",
                                                  "SYS_PACCT",
                                                  "SYS_ADMIN",
                                                  "SYS_BOOT",
                                                  "SYS_NICE",
                                                  "SYS_RESOURCE",
                                                  "SYS_TIME",
                                                  "SYS_TTY_CONFIG",
                                                  "MKNOD",
                                                  "LEASE",
                                                  "AUDIT_WRITE",
                                                  "AUDIT_CONTROL",
                                                  "SETFCAP",
                                                  "MAC_OVERRIDE",
                                                  "MAC_ADMIN",
                                                  "SYSLOG",
                                                  "WAKE_ALARM",
                                                  "BLOCK_SUSPEND",
                                                  "AUDIT_READ",
                                                  "PERFMON",
                                                  "BPF",
                                                  "CHECKPOINT_RESTORE"};

std::uint64_t bits_of(std::initializer_list<std::string_view> names) {
  std::uint64_t bits = 0;
  for (const std::string_view name : names) bits |= capability_bit(name).value_or(0);
  return bits;
}

}  // namespace

std::optional<std::uint64_t> capability_bit(std::string_view name) {
  std::string upper;
  for (const char c : name) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::string_view wanted = upper;
  if (wanted.starts_with("CAP_")) wanted.remove_prefix(4);
  for (std::size_t bit = 0; bit < kNames.size(); ++bit) {
    if (kNames.at(bit) == wanted) return std::uint64_t{1} << bit;
  }
  return std::nullopt;
}

std::string capabilities_text(std::uint64_t bits) {
  std::string text;
  for (const std::string& name : capability_names(bits)) text += (text.empty() ? "" : ",") + name;
  return text;
}

std::optional<std::uint64_t> parse_capabilities_text(std::string_view text) {
  std::uint64_t bits = 0;
  for (;;) {
    const std::size_t end = std::min(text.find(','), text.size());
    const auto bit = capability_bit(text.substr(0, end));
    if (!bit) return std::nullopt;
    bits |= *bit;
    if (end == text.size()) return bits;
    text.remove_prefix(end + 1);
  }
}

std::uint64_t route_capabilities() { return bits_of({"NET_ADMIN", "NET_RAW"}); }

std::uint64_t docker_capabilities() {
  return bits_of({"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID",
                  "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL",
                  "AUDIT_WRITE"});
}

std::set<std::string> capability_names(std::uint64_t bits) {
  std::set<std::string> names;
  for (std::size_t bit = 0; bit < kNames.size(); ++bit) {
    if ((bits >> bit & 1) != 0) names.insert("CAP_" + std::string(kNames.at(bit)));
  }
  return names;
}

}  // namespace stagebox::base
