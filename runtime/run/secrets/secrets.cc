#include "runtime/run/secrets/secrets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/run/secrets/secret_patterns.h"

namespace stagebox::run {
namespace {

using base::LockedBytes;
using base::Result;
using base::text_of;

// One byte more than is allowed tells that there are more.
Result<LockedBytes> read_locked(int fd, const std::string& source) {
  LockedBytes value(Secrets::kMost + 1);
  std::size_t size = 0;
  while (size < value.size()) {
    const ssize_t count = ::read(fd, value.data() + size, value.size() - size);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("read " + source);
    size += static_cast<std::size_t>(count);
  }
  value.resize(size);
  return value;
}

struct Reader {
  std::optional<Secrets::File>& file;  ///< That was read, if it was one.

  Result<LockedBytes> operator()(const SecretVariable& variable) const {
    char* text = std::getenv(variable.name.c_str());
    if (text == nullptr) return base::invalid(variable.told + " is not set");
    const std::string_view value(text);
    LockedBytes locked(value.begin(), value.end());
    // /proc/PID/environ shows what was there at the start.
    ::explicit_bzero(text, value.size());
    ::unsetenv(variable.name.c_str());
    return locked;
  }
  Result<LockedBytes> operator()(const SecretFile& source) const {
    const auto opened = base::open_path(source.path, O_RDONLY | O_NOCTTY);
    if (!opened.ok()) return base::invalid(opened.error().message);
    const struct stat status = TRY(base::stat_fd(opened->get()));
    if (S_ISREG(status.st_mode)) file = Secrets::File{"", status.st_dev, status.st_ino};
    auto value = read_locked(opened->get(), source.path);
    if (!value.ok()) return base::invalid(value.error().message);
    return value;
  }
  Result<LockedBytes> operator()(const SecretInput& /*input*/) const {
    return read_locked(STDIN_FILENO, "standard input");
  }
};

Result<LockedBytes> read_value(const std::string& name, const SecretSource& source,
                               std::optional<Secrets::File>& file) {
  const std::string what = "the secret " + name;
  if (!base::can_lock(Secrets::kMost * 2)) {
    return base::unsupported(what +
                             ": its memory cannot be locked; raise the limit (`ulimit -l`, or "
                             "LimitMEMLOCK= of the service)");
  }
  auto value = std::visit(Reader{file}, source);
  if (!value.ok()) return value.error().with_context(what);
  if (size_looked_for(text_of(*value)) < Secrets::kLeast) {
    return base::invalid(
        what + " is shorter than " + std::to_string(Secrets::kLeast) +
        " bytes without its line breaks: it could not be masked without masking everything");
  }
  if (value->size() > Secrets::kMost) {
    return base::invalid(what + " is longer than " + std::to_string(Secrets::kMost >> 10U) +
                         " KiB, the most that is masked");
  }
  return value;
}

base::Error too_little_memory() {
  return base::unsupported(
      "there is not enough memory that can be locked for masking the secrets; raise the limit "
      "(`ulimit -l`, or LimitMEMLOCK= of the service)");
}

}  // namespace

Secrets::Secrets()
    : automaton_(std::make_shared<const SecretAutomaton>(SecretPatterns())),
      leak_automaton_(automaton_) {}

Result<Secrets> Secrets::load(const SecretSources& sources) {
  // What a container in locked memory throws where there is no more of it.
  try {
    return load_all(sources);
  } catch (const std::bad_alloc&) {
    return too_little_memory();
  }
}

Result<Secrets> Secrets::load_all(const SecretSources& sources) {
  Secrets secrets;
  if (sources.empty()) return secrets;
  std::map<std::string, std::string> of_variable;  // The first secret: it is gone when it is read.
  for (const auto& [name, source] : sources) {
    const auto* variable = std::get_if<SecretVariable>(&source);
    const auto first = variable != nullptr ? of_variable.find(variable->name) : of_variable.end();
    if (first != of_variable.end()) {
      secrets.values_.emplace(name, secrets.values_.at(first->second));
      continue;
    }
    std::optional<File> file;
    secrets.values_.emplace(name, TRY(read_value(name, source, file)));
    if (variable != nullptr) of_variable.emplace(variable->name, name);
    if (!file) continue;
    file->name = name;
    secrets.files_.push_back(*file);
  }
  secrets.look_for_values();
  return secrets;
}

void Secrets::look_for_values() {
  automaton_ = leak_automaton_ = automaton_of(Forms::kAll, {}, Forms::kAll);
  // Where they differ little, one takes half of the memory that can be locked.
  const bool differ_little = std::ranges::all_of(values_, [](const auto& named) {
    const std::string_view value = without_last_breaks(text_of(named.second));
    return value.size() >= kShortestTelling && value.find('\n') == std::string_view::npos;
  });
  if (!differ_little) leak_automaton_ = automaton_of(Forms::kTelling, {}, Forms::kTelling);
}

std::shared_ptr<const SecretAutomaton> Secrets::automaton_of(Forms own,
                                                             const std::vector<LockedBytes>& more,
                                                             Forms of_more) const {
  SecretPatterns patterns;
  const auto add = [&patterns](const LockedBytes& value, Forms forms) {
    if (forms == Forms::kAll)
      patterns.add_value(text_of(value));
    else
      patterns.add_telling(text_of(value));
  };
  for (const auto& [name, value] : values_) add(value, own);
  for (const LockedBytes& value : more) add(value, of_more);
  return std::make_shared<const SecretAutomaton>(patterns);
}

Result<std::shared_ptr<const SecretAutomaton>> Secrets::automaton_with(
    Forms own, const std::vector<LockedBytes>& more, Forms of_more) const {
  try {
    return automaton_of(own, more, of_more);
  } catch (const std::bad_alloc&) {
    return too_little_memory();
  }
}

std::optional<std::string> Secrets::find_in(std::string_view text) const {
  for (const auto& [name, whole] : values_) {
    const std::string_view value = without_last_breaks(text_of(whole));
    if (value.size() >= kShortestTelling && text.find(value) != std::string_view::npos) return name;
  }
  return std::nullopt;
}

std::vector<std::string> Secrets::names() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : values_) names.push_back(name);
  return names;
}

std::string_view Secrets::value(const std::string& name) const { return text_of(values_.at(name)); }

}  // namespace stagebox::run
