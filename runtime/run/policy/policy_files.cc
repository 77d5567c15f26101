#include "runtime/run/policy/policy_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/run/policy/policy_reader.h"

namespace stagebox::run {
namespace {

using base::Result;

constexpr std::size_t kMaxPolicy = std::size_t{1} << 20U;

Result<PolicyRules> parse(const std::string& path, int fd) {
  const struct stat status = TRY(base::stat_fd(fd));
  if (!S_ISREG(status.st_mode)) return base::invalid("it is not a regular file");
  // Whoever can write to it decides what everybody's sandboxes may have.
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return base::invalid("others than its owner can write to it; chmod go-w " + path);
  const std::string bytes = TRY(base::read_all(fd, kMaxPolicy));
  auto rules = read_policy(path, bytes);
  if (const auto* mistakes = std::get_if<scheduler::Diagnostics>(&rules)) {
    std::string text = mistakes->render();
    while (text.ends_with('\n')) text.pop_back();
    return base::invalid("it has mistakes\n" + text);
  }
  return std::get<PolicyRules>(std::move(rules));
}

Result<PolicyRules> read_rules(const std::string& path, int fd) {
  auto rules = parse(path, fd);
  if (!rules.ok()) return rules.error().with_context("the policy " + base::printable(path));
  return rules;
}

Result<std::optional<PolicyRules>> machine_rules(const std::string& path) {
  using Rules = std::optional<PolicyRules>;
  const auto file = base::open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file.ok() && file.error().errno_value == ENOENT) return Rules();
  if (!file.ok()) return file.error().with_context("the policy of this machine");
  return Rules(TRY(read_rules(path, file->get())));
}

Result<bool> lies_in(int fd, const std::string& project) {
  if (project.empty()) return false;
  std::error_code error;
  const std::string directory = std::filesystem::canonical(project, error).string();
  if (error) return base::system_error("find " + project, error.value());
  const std::string path = TRY(base::path_of(fd));
  return directory == "/" || path.starts_with(directory + "/");
}

Result<PolicyRules> given_rules(const std::string& path, const std::string& project) {
  const auto file = base::open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file.ok()) return file.error().with_context("--policy");
  const bool of_project = TRY(lies_in(file->get(), project));
  if (of_project) {
    return base::invalid("--policy: " + base::printable(path) +
                         " lies in the pipeline's directory, and a project cannot decide what it "
                         "may have; keep the policy elsewhere");
  }
  return read_rules(path, file->get());
}

}  // namespace

Result<Policy> load_policy(base::Trust trust, const PolicySources& sources) {
  const auto machine = TRY(machine_rules(sources.machine));
  if (!sources.file) return Policy::make(trust, machine.value_or(PolicyRules()));
  const PolicyRules given = TRY(given_rules(*sources.file, sources.project));
  return machine ? Policy::make(trust, *machine, given) : Policy::make(trust, given);
}

}  // namespace stagebox::run
