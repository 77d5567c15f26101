#include "sandbox/seccomp/seccomp_cache.h"

#include <fcntl.h>
#include <linux/bpf_common.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "runtime/base/digest.h"
#include "runtime/base/files.h"
#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using Program = std::shared_ptr<const SeccompProgram>;

constexpr std::size_t kMaxBytes = 4096 * sizeof(sock_filter);
// Raised when the same rules compile to something else.
constexpr char kFormat[] = "stagebox seccomp 4";
constexpr std::size_t kDigestSize = 64;  // hexadecimal SHA-256

std::string digest_of(std::string_view content) { return base::Sha256::of(content).hex(); }

std::string key_of(const SeccompRules& rules, DeniedCalls denied) {
  return digest_of(std::string(kFormat) + "\n" + seccomp_compiler_version() + "\n" +
                   (denied == DeniedCalls::kReported ? "reported\n" : "answered\n") +
                   canonical_text(rules));
}

// The key is part of what is summed: a file under another name is another program.
std::string checksum(const std::string& key, std::string_view instructions) {
  return digest_of(key + "\n" + std::string(instructions));
}

Program read_program(int dir, const std::string& key) {
  const base::UniqueFd file(
      ::openat(dir, key.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return nullptr;
  const bool ours = S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
                    (status.st_mode & 0077) == 0 && status.st_nlink == 1;
  if (!ours) return nullptr;
  const auto content = base::read_all(file.get(), kDigestSize + kMaxBytes);
  if (!content.ok() || content->size() <= kDigestSize) return nullptr;
  const std::string_view instructions = std::string_view(*content).substr(kDigestSize);
  if (instructions.size() % sizeof(sock_filter) != 0) return nullptr;
  if (content->substr(0, kDigestSize) != checksum(key, instructions)) return nullptr;
  auto program = std::make_shared<SeccompProgram>();
  program->instructions.resize(instructions.size() / sizeof(sock_filter));
  std::memcpy(program->instructions.data(), instructions.data(), instructions.size());
  return program;
}

}  // namespace

Result<Program> SeccompCache::get(const SeccompRules& rules, DeniedCalls denied) const {
  const std::string key = key_of(rules, denied);
  if (auto cached = read_program(dir_.get(), key)) {
    auto program = std::make_shared<SeccompProgram>(*cached);
    program->denied = denied;
    return Program(std::move(program));
  }
  Program program = TRY(compile_seccomp(rules, denied));
  const auto& instructions = program->instructions;
  const std::string_view bytes(reinterpret_cast<const char*>(instructions.data()),
                               instructions.size() * sizeof(sock_filter));
  // Next time it costs the same again: slower, but not wrong.
  (void)base::replace_file_at(dir_.get(), key, checksum(key, bytes) + std::string(bytes), 0600);
  return program;
}

}  // namespace stagebox::sandbox
