#include "sandbox/seccomp_profile.h"

#include <linux/capability.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <optional>

#include "sandbox/capabilities.h"

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
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > limit)
    return wrong(where + "." + key, "a number from 0 to " + std::to_string(limit) + " is expected");
  return found->get<std::uint64_t>();
}

Result<std::vector<std::string>> parse_names(const json& object, const char* key,
                                             const std::string& where) {
  std::vector<std::string> names;
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return names;
  if (!found->is_array()) return wrong(where + "." + key, "a list of names is expected");
  for (const json& entry : *found) {
    const bool name = entry.is_string() && !entry.get_ref<const std::string&>().empty() &&
                      std::ranges::all_of(entry.get_ref<const std::string&>(), [](unsigned char c) {
                        return std::isalnum(c) != 0 || c == '_';
                      });
    if (!name) return wrong(where + "." + key, entry.dump() + " is not a name");
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

bool kernel_is_at_least(const std::string& version, const ProfileContext& context) {
  unsigned major = 0;
  unsigned minor = 0;
  // NOLINTNEXTLINE(cert-err34-c): what does not parse is version 0, which every kernel is at least
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
  const auto found = rule.find(key);
  if (found == rule.end() || found->is_null()) return filter;
  const std::string here = where + "." + key;
  if (!found->is_object()) return wrong(here, "an object is expected");
  filter.capabilities = TRY(parse_names(*found, "caps", here));
  filter.architectures = TRY(parse_names(*found, "arches", here));
  const auto kernel = found->find("minKernel");
  if (kernel == found->end()) return filter;
  if (!kernel->is_string()) return wrong(here + ".minKernel", "a version is expected");
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

Result<void> parse_rule(const json& entry, const std::string& where, unsigned default_error,
                        const ProfileContext& context, std::vector<SeccompRule>& rules) {
  if (!entry.is_object()) return wrong(where, "an object is expected");
  const Filter includes = TRY(parse_filter(entry, "includes", where));
  const Filter excludes = TRY(parse_filter(entry, "excludes", where));
  SeccompRule rule;
  rule.names = TRY(parse_names(entry, "names", where));
  if (const auto name = entry.find("name"); name != entry.end() && name->is_string())
    rule.names.push_back(name->get<std::string>());
  if (rule.names.empty()) return wrong(where, "no system call is named");
  rule.action = TRY(parse_action(entry.value("action", json()), where + ".action"));
  rule.error =
      static_cast<unsigned>(TRY(parse_number(entry, "errnoRet", default_error, kMaxErrno, where)));
  if (const auto conditions = entry.find("args");
      conditions != entry.end() && conditions->is_array()) {
    for (const json& condition : *conditions)
      rule.conditions.push_back(TRY(parse_condition(condition, where + ".args")));
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

}  // namespace

ProfileContext ProfileContext::of_machine(std::uint64_t capabilities) {
  ProfileContext context;
  context.capabilities = capability_names(capabilities);
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
  if (profile.contains("listenerPath"))
    return wrong("listenerPath", "an agent that answers system calls is not supported");
  TRY(check_architecture(profile, context));
  SeccompRules rules;
  rules.default_action = TRY(parse_action(profile.value("defaultAction", json()), "defaultAction"));
  rules.default_error = static_cast<unsigned>(
      TRY(parse_number(profile, "defaultErrnoRet", EPERM, kMaxErrno, "profile")));
  const auto entries = profile.find("syscalls");
  if (entries == profile.end() || entries->is_null()) return rules;
  if (!entries->is_array()) return wrong("syscalls", "a list is expected");
  for (std::size_t i = 0; i < entries->size(); ++i) {
    TRY(parse_rule((*entries)[i], "syscalls[" + std::to_string(i) + "]", rules.default_error,
                   context, rules.rules));
  }
  return rules;
}

}  // namespace stagebox::sandbox
