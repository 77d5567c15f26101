#include "scheduler/file/params_reader.h"

#include <algorithm>

#include "scheduler/file/keys.h"
#include "scheduler/file/names.h"
#include "scheduler/file/script_expressions.h"
#include "scheduler/file/value_reader.h"
#include "scheduler/nearest_name.h"
#include "scheduler/yaml/source_text.h"

namespace stagebox::scheduler {
namespace {

class ParamsReader {
 public:
  ParamsReader(const ParamOverrides& overrides, FileContext& context)
      : overrides_(overrides), context_(context) {}

  std::vector<Param> read(const YamlNode* node);

 private:
  std::optional<std::string> literal(const YamlNode& node, std::string_view what) const;
  void read_param(const YamlEntry& entry);
  std::optional<std::string> default_of(const YamlEntry& entry);
  std::optional<std::string> override_of(const YamlEntry& entry);
  std::vector<std::string> choices_of(const YamlEntry& entry);
  void check_choice(Position position, const std::string& what, const std::string& value,
                    const std::vector<std::string>& choices);
  void check_case(const YamlEntry& entry);
  void check_overrides();

  const ParamOverrides& overrides_;
  FileContext& context_;
  NamedValues no_values_;
  ExpressionValues no_expressions_{no_values_, context_.budget};
  ValueReader reader_{context_.diagnostics, no_expressions_};
  std::map<std::string, std::string> variables_;  // The script variable of each parameter.
};

std::vector<Param> ParamsReader::read(const YamlNode* node) {
  static constexpr std::string_view kExample = "build_type: {default: Release}";
  if (node != nullptr && reader_.expect_mapping(*node, "`params`", kExample) &&
      context_.within(node->entries().size(), FileLimits::kParams, "parameters", node->position)) {
    for (const YamlEntry& entry : node->entries()) {
      if (!entry.duplicate) read_param(entry);
    }
  }
  check_overrides();
  std::vector<Param> params;
  for (const auto& [name, value] : context_.params) params.push_back({name, value.value_or("")});
  return params;
}

std::optional<std::string> ParamsReader::literal(const YamlNode& node,
                                                 std::string_view what) const {
  if (node.is_scalar() && has_expression(node.scalar())) {
    context_.diagnostics.add(node.position, std::string(what) + " cannot contain an expression",
                             "parameters are what expressions are made of");
    return std::nullopt;
  }
  return reader_.text(node, what);
}

void ParamsReader::read_param(const YamlEntry& entry) {
  const std::string name(entry.key->scalar());
  if (check_name(NameKind::kParam, name, entry.key->position, context_.diagnostics))
    check_case(entry);
  context_.params[name] = std::nullopt;
  if (!reader_.expect_mapping(*entry.value, "the parameter " + backquoted(name),
                              "{default: Release, choices: [Debug, Release]}"))
    return;
  check_keys(*entry.value, kParamKeys, context_.diagnostics);
  const std::vector<std::string> choices = choices_of(entry);
  auto value = default_of(entry);
  if (value) check_choice(entry.value->find("default")->position, "the default", *value, choices);
  if (overrides_.contains(name)) {
    value = override_of(entry);
    if (value) check_choice({}, "--param " + name + ": the value", *value, choices);
  }
  context_.params[name] = value;
}

std::optional<std::string> ParamsReader::default_of(const YamlEntry& entry) {
  const std::string name(entry.key->scalar());
  if (const YamlNode* node = entry.value->find("default"))
    return literal(*node, "the default of " + backquoted(name));
  if (!overrides_.contains(name))
    context_.diagnostics.add(entry.key->position,
                             "the parameter " + backquoted(name) + " has no value",
                             "pass --param " + name + "=VALUE, or give it a `default`");
  return std::nullopt;
}

std::optional<std::string> ParamsReader::override_of(const YamlEntry& entry) {
  const std::string name(entry.key->scalar());
  const std::string& value = overrides_.at(name);
  const auto bad = find_bad_character(value);
  if (!bad) return value;
  context_.diagnostics.add({}, "--param " + name + ": " + bad->message);
  return std::nullopt;
}

// None: any value is good, or which are is not known.
std::vector<std::string> ParamsReader::choices_of(const YamlEntry& entry) {
  const YamlNode* node = entry.value->find("choices");
  if (node == nullptr || !reader_.expect_sequence(*node, "`choices`", "[Debug, Release]"))
    return {};
  if (node->items().empty())
    context_.diagnostics.add(node->position, "`choices` is empty",
                             "list the values that are allowed, or remove the key");
  std::vector<std::string> choices;
  for (const YamlNode* item : node->items()) {
    if (auto choice = literal(*item, "each of the `choices`"))
      choices.push_back(std::move(*choice));
    if (context_.budget.spent()) break;
  }
  if (choices.size() != node->items().size()) choices.clear();
  return choices;
}

void ParamsReader::check_choice(Position position, const std::string& what,
                                const std::string& value, const std::vector<std::string>& choices) {
  if (choices.empty() || std::ranges::find(choices, value) != choices.end()) return;
  const std::vector<std::string_view> views(choices.begin(), choices.end());
  context_.diagnostics.add(position, what + " " + backquoted(value) + " is not one of the choices",
                           name_hint(value, views));
}

// In scripts both would be the same variable.
void ParamsReader::check_case(const YamlEntry& entry) {
  const std::string name(entry.key->scalar());
  const auto [other, first] = variables_.emplace(expression_variable("params", name), name);
  if (first) return;
  context_.diagnostics.add(entry.key->position,
                           "the parameters " + backquoted(other->second) + " and " +
                               backquoted(name) + " differ only in case",
                           "in scripts both would be " + other->first + "; rename one");
}

void ParamsReader::check_overrides() {
  const std::vector<std::string_view> names = names_of(context_.params);
  for (const auto& [name, value] : overrides_) {
    if (context_.params.contains(name)) continue;
    context_.diagnostics.add({}, "--param " + backquoted(name) + ": the file has no such parameter",
                             names.empty() ? "it has no `params`" : name_hint(name, names));
  }
}

}  // namespace

std::vector<Param> read_params(const YamlNode* node, const ParamOverrides& overrides,
                               FileContext& context) {
  return ParamsReader(overrides, context).read(node);
}

}  // namespace stagebox::scheduler
