#include "sandbox/seccomp/seccomp_profile.h"

#include <linux/capability.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <map>
#include <optional>

#include "runtime/base/capabilities.h"
#include "runtime/base/printable.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using nlohmann::json;
using Operation = SeccompCondition::Operation;

// Far more than any profile; the kernel's limit of instructions comes long before.
constexpr std::size_t kMaxProfile = std::size_t{1} << 20;
constexpr std::uint64_t kMaxErrno = 4095;
constexpr std::uint64_t kArguments = 6;

base::Error wrong(const std::string& where, const std::string& what) {
  return base::invalid("seccomp profile: " + where + ": " + what);
}

// What an object may hold: a key that is not understood could be what makes a rule a narrow one.
Result<void> check_keys(const json& object, std::initializer_list<std::string_view> known,
                        const std::string& where) {
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, key) == known.end())
      return wrong(where,
                   "the key " + base::printable(key) + " is not known, so it cannot be honoured");
  }
  return {};
}

/// nullptr for a key that is missing or null.
const json* member(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// nullptr for a key that is missing or null; kInvalid for what is not a list.
Result<const json*> list_member(const json& object, const char* key, const std::string& where) {
  const json* const list = member(object, key);
  if (list != nullptr && !list->is_array()) return wrong(where + "." + key, "a list is expected");
  return list;
}

Result<void> check_comment(const json& object, const std::string& where) {
  const json* const comment = member(object, "comment");
  if (comment == nullptr || comment->is_string()) return {};
  return wrong(where + ".comment", "a text is expected");
}

Result<SeccompAction> parse_action(const json& value, const std::string& where) {
  static const std::map<std::string, SeccompAction, std::less<>> kActions{
      {"SCMP_ACT_ALLOW", SeccompAction::kAllow},
      {"SCMP_ACT_ERRNO", SeccompAction::kError},
      {"SCMP_ACT_LOG", SeccompAction::kLog},
      {"SCMP_ACT_TRAP", SeccompAction::kTrap},
      {"SCMP_ACT_KILL", SeccompAction::kKillThread},
      {"SCMP_ACT_KILL_THREAD", SeccompAction::kKillThread},
      {"SCMP_ACT_KILL_PROCESS", SeccompAction::kKillProcess}};
  if (!value.is_string()) return wrong(where, "an action such as \"SCMP_ACT_ERRNO\" is expected");
  const auto found = kActions.find(value.get_ref<const std::string&>());
  if (found == kActions.end())
    return wrong(where, "the action " + value.dump() + " is not known or not supported");
  return found->second;
}

Result<std::uint64_t> parse_number(const json& object, const char* key, std::uint64_t fallback,
                                   std::uint64_t limit, const std::string& where) {
  const json* const found = member(object, key);
  if (found == nullptr) return fallback;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > limit)
    return wrong(where + "." + key, "a number from 0 to " + std::to_string(limit) + " is expected");
  return found->get<std::uint64_t>();
}

std::optional<std::uint64_t> errno_by_name(std::string_view name) {
  constexpr int kNewest = 133;  // EHWPOISON
  for (int error = 1; error <= kNewest; ++error) {
    const char* const known = ::strerrorname_np(error);
    if (known != nullptr && name == known) return static_cast<std::uint64_t>(error);
  }
  return std::nullopt;
}

// As a number, and in Podman's profiles as a name besides.
Result<unsigned> parse_errno(const json& object, const char* number_key, const char* name_key,
                             unsigned fallback, const std::string& where) {
  const std::uint64_t number = TRY(parse_number(object, number_key, fallback, kMaxErrno, where));
  const json* const name = member(object, name_key);
  if (name == nullptr) return static_cast<unsigned>(number);
  const auto named = name->is_string() ? errno_by_name(name->get_ref<const std::string&>())
                                       : std::optional<std::uint64_t>();
  if (!named) return wrong(where + "." + name_key, "an errno such as \"EPERM\" is expected");
  if (member(object, number_key) != nullptr && number != *named)
    return wrong(where + "." + name_key, "it is not what " + std::string(number_key) + " says");
  return static_cast<unsigned>(*named);
}

bool is_name(const json& value) {
  return value.is_string() && !value.get_ref<const std::string&>().empty() &&
         std::ranges::all_of(value.get_ref<const std::string&>(),
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

Result<std::vector<std::string>> parse_names(const json& object, const char* key,
                                             const std::string& where) {
  std::vector<std::string> names;
  const json* const list = TRY(list_member(object, key, where));
  if (list == nullptr) return names;
  for (const json& entry : *list) {
    if (!is_name(entry)) return wrong(where + "." + key, entry.dump() + " is not a name");
    names.push_back(entry.get<std::string>());
  }
  return names;
}

Result<SeccompCondition> parse_condition(const json& entry, const std::string& where) {
  static const std::map<std::string, Operation, std::less<>> kOperations{
      {"SCMP_CMP_NE", Operation::kNotEqual},          {"SCMP_CMP_LT", Operation::kLess},
      {"SCMP_CMP_LE", Operation::kLessOrEqual},       {"SCMP_CMP_EQ", Operation::kEqual},
      {"SCMP_CMP_GE", Operation::kGreaterOrEqual},    {"SCMP_CMP_GT", Operation::kGreater},
      {"SCMP_CMP_MASKED_EQ", Operation::kMaskedEqual}};
  if (!entry.is_object()) return wrong(where, "an object is expected");
  TRY(check_keys(entry, {"index", "value", "valueTwo", "op"}, where));
  for (const char* key : {"index", "value"}) {
    if (member(entry, key) == nullptr) return wrong(where, std::string(key) + " is missing");
  }
  SeccompCondition condition;
  condition.argument =
      static_cast<unsigned>(TRY(parse_number(entry, "index", 0, kArguments - 1, where)));
  condition.value = TRY(parse_number(entry, "value", 0, ~std::uint64_t{0}, where));
  condition.value_two = TRY(parse_number(entry, "valueTwo", 0, ~std::uint64_t{0}, where));
  const auto operation = entry.find("op");
  if (operation == entry.end() || !operation->is_string() ||
      !kOperations.contains(operation->get_ref<const std::string&>())) {
    return wrong(where + ".op", "a comparison such as \"SCMP_CMP_EQ\" is expected");
  }
  condition.operation = kOperations.at(operation->get_ref<const std::string&>());
  return condition;
}

// Digits, a point, digits.
bool is_version(std::string_view text) {
  constexpr std::size_t kLongest = 9;  // what sscanf takes without running over
  const std::size_t point = text.find('.');
  if (point == 0 || point == std::string_view::npos || point + 1 == text.size()) return false;
  if (text.size() > kLongest) return false;
  return text.find_first_not_of("0123456789", point + 1) == std::string_view::npos &&
         text.substr(0, point).find_first_not_of("0123456789") == std::string_view::npos;
}

bool kernel_is_at_least(const std::string& version, const ProfileContext& context) {
  unsigned major = 0;
  unsigned minor = 0;
  // NOLINTNEXTLINE(cert-err34-c): is_version() saw to it that it parses
  (void)std::sscanf(version.c_str(), "%u.%u", &major, &minor);
  return context.kernel_major > major ||
         (context.kernel_major == major && context.kernel_minor >= minor);
}

// Docker's `includes` and `excludes`: each list is a set of alternatives for architectures, and of
// things that must all be there for capabilities.
struct Filter {
  std::vector<std::string> capabilities;
  std::vector<std::string> architectures;
  std::optional<std::string> min_kernel;
};

Result<Filter> parse_filter(const json& rule, const char* key, const std::string& where) {
  Filter filter;
  const json* const found = member(rule, key);
  if (found == nullptr) return filter;
  const std::string here = where + "." + key;
  if (!found->is_object()) return wrong(here, "an object is expected");
  TRY(check_keys(*found, {"caps", "arches", "minKernel"}, here));
  filter.capabilities = TRY(parse_names(*found, "caps", here));
  filter.architectures = TRY(parse_names(*found, "arches", here));
  const json* const kernel = member(*found, "minKernel");
  if (kernel == nullptr) return filter;
  if (!kernel->is_string() || !is_version(kernel->get_ref<const std::string&>()))
    return wrong(here + ".minKernel", "a version such as \"4.8\" is expected");
  filter.min_kernel = kernel->get<std::string>();
  return filter;
}

bool names_architecture(const Filter& filter, const ProfileContext& context) {
  return std::ranges::find(filter.architectures, context.architecture) !=
         filter.architectures.end();
}

bool applies(const Filter& includes, const Filter& excludes, const ProfileContext& context) {
  const auto has = [&](const std::string& name) { return context.capabilities.contains(name); };
  if (!std::ranges::all_of(includes.capabilities, has)) return false;
  if (!includes.architectures.empty() && !names_architecture(includes, context)) return false;
  if (includes.min_kernel && !kernel_is_at_least(*includes.min_kernel, context)) return false;
  if (std::ranges::any_of(excludes.capabilities, has)) return false;
  if (names_architecture(excludes, context)) return false;
  return !excludes.min_kernel || !kernel_is_at_least(*excludes.min_kernel, context);
}

// libseccomp compares each argument once a rule. Several comparisons of one argument mean "any of
// them" to runc and crun, which profiles are written for: a rule of its own for each.
void push_rule(SeccompRule rule, std::vector<SeccompRule>& rules) {
  std::set<unsigned> arguments;
  for (const SeccompCondition& condition : rule.conditions) arguments.insert(condition.argument);
  if (arguments.size() == rule.conditions.size()) {
    rules.push_back(std::move(rule));
    return;
  }
  for (const SeccompCondition& condition : rule.conditions) {
    SeccompRule single = rule;
    single.conditions = {condition};
    rules.push_back(std::move(single));
  }
}

// "name" is how profiles of the first days name their one call.
Result<std::vector<std::string>> parse_calls(const json& entry, const std::string& where) {
  std::vector<std::string> names = TRY(parse_names(entry, "names", where));
  if (const json* const name = member(entry, "name")) {
    if (!is_name(*name)) return wrong(where + ".name", name->dump() + " is not a name");
    names.push_back(name->get<std::string>());
  }
  if (names.empty()) return wrong(where, "no system call is named");
  return names;
}

Result<void> parse_rule(const json& entry, const std::string& where, unsigned default_error,
                        const ProfileContext& context, std::vector<SeccompRule>& rules) {
  if (!entry.is_object()) return wrong(where, "an object is expected");
  TRY(check_keys(
      entry,
      {"name", "names", "action", "args", "errnoRet", "errno", "comment", "includes", "excludes"},
      where));
  TRY(check_comment(entry, where));
  const Filter includes = TRY(parse_filter(entry, "includes", where));
  const Filter excludes = TRY(parse_filter(entry, "excludes", where));
  SeccompRule rule;
  rule.names = TRY(parse_calls(entry, where));
  rule.action = TRY(parse_action(entry.value("action", json()), where + ".action"));
  rule.error = TRY(parse_errno(entry, "errnoRet", "errno", default_error, where));
  if (const json* const conditions = TRY(list_member(entry, "args", where))) {
    for (std::size_t i = 0; i < conditions->size(); ++i) {
      rule.conditions.push_back(
          TRY(parse_condition((*conditions)[i], where + ".args[" + std::to_string(i) + "]")));
    }
  }
  if (applies(includes, excludes, context)) push_rule(std::move(rule), rules);
  return {};
}

Result<void> check_architecture(const json& profile, const ProfileContext& context) {
  const auto listed = TRY(parse_names(profile, "architectures", "profile"));
  const std::string& native = context.scmp_architecture;
  if (listed.empty() || std::ranges::find(listed, native) != listed.end()) return {};
  return wrong("architectures", "this machine's (" + native + ") is not among them");
}

// Docker's list of which architectures go with which. A filter here is for the native one alone,
// whatever goes with it; so only the form is looked at.
Result<void> check_architecture_map(const json& profile) {
  const json* const map = TRY(list_member(profile, "archMap", "profile"));
  if (map == nullptr) return {};
  for (const json& entry : *map) {
    if (!entry.is_object()) return wrong("archMap", "a list of objects is expected");
    TRY(check_keys(entry, {"architecture", "subArchitectures"}, "archMap"));
    const json* const architecture = member(entry, "architecture");
    if (architecture != nullptr && !is_name(*architecture))
      return wrong("archMap.architecture", architecture->dump() + " is not a name");
    TRY(parse_names(entry, "subArchitectures", "archMap"));
  }
  return {};
}

// The filter is loaded by a process with one thread, so TSYNC changes nothing. The others would
// have to be honoured: a log of what is denied, a weaker mitigation of Spectre, an agent's waiting.
Result<void> check_flags(const json& profile) {
  for (const std::string& flag : TRY(parse_names(profile, "flags", "profile"))) {
    if (flag != "SECCOMP_FILTER_FLAG_TSYNC")
      return wrong("flags", "\"" + flag + "\" is not supported");
  }
  return {};
}

Result<void> check_profile(const json& profile, const ProfileContext& context) {
  for (const char* key : {"listenerPath", "listenerMetadata"}) {
    if (profile.contains(key))
      return wrong(key, "an agent that answers system calls is not supported");
  }
  TRY(check_keys(profile,
                 {"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap",
                  "flags", "syscalls", "comment"},
                 "profile"));
  TRY(check_comment(profile, "profile"));
  TRY(check_flags(profile));
  TRY(check_architecture_map(profile));
  return check_architecture(profile, context);
}

}  // namespace

ProfileContext ProfileContext::of_machine(std::uint64_t capabilities) {
  ProfileContext context;
  context.capabilities = base::capability_names(capabilities);
#if defined(__x86_64__)
  context.architecture = "amd64";
  context.scmp_architecture = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
  context.architecture = "arm64";
  context.scmp_architecture = "SCMP_ARCH_AARCH64";
#endif
  struct utsname name{};
  if (::uname(&name) == 0) {
    // NOLINTNEXTLINE(cert-err34-c): the kernel's own words
    (void)std::sscanf(&name.release[0], "%u.%u", &context.kernel_major, &context.kernel_minor);
  }
  return context;
}

Result<SeccompRules> parse_seccomp_profile(std::string_view text, const ProfileContext& context) {
  if (text.size() > kMaxProfile) return wrong("profile", "larger than 1 MiB");
  const json profile = json::parse(text, nullptr, false);
  if (!profile.is_object()) return wrong("profile", "not a JSON object");
  TRY(check_profile(profile, context));
  SeccompRules rules;
  rules.default_action = TRY(parse_action(profile.value("defaultAction", json()), "defaultAction"));
  rules.default_error =
      TRY(parse_errno(profile, "defaultErrnoRet", "defaultErrno", EPERM, "profile"));
  const json* const entries = TRY(list_member(profile, "syscalls", "profile"));
  if (entries == nullptr) return rules;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    TRY(parse_rule((*entries)[i], "syscalls[" + std::to_string(i) + "]", rules.default_error,
                   context, rules.rules));
  }
  return rules;
}

}  // namespace stagebox::sandbox
