#include "scheduler/params_reader.h"

#include <algorithm>

#include "scheduler/keys.h"
#include "scheduler/names.h"
#include "scheduler/nearest_name.h"
#include "scheduler/script_expressions.h"
#include "scheduler/source_text.h"
#include "scheduler/value_reader.h"

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
  std::optional<std::string> value_of(const YamlEntry& entry);
  void check_choices(const YamlEntry& entry, const std::string& value);
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
  const auto value = value_of(entry);
  if (value) check_choices(entry, *value);
  context_.params[name] = value;
}

std::optional<std::string> ParamsReader::value_of(const YamlEntry& entry) {
  const std::string name(entry.key->scalar());
  const YamlNode* fallback = entry.value->find("default");
  std::optional<std::string> value;
  if (fallback != nullptr) value = literal(*fallback, "the default of " + backquoted(name));
  if (value) check_choices({entry.key, entry.value}, *value);
  const auto given = overrides_.find(name);
  if (given == overrides_.end()) {
    if (fallback == nullptr)
      context_.diagnostics.add(entry.key->position,
                               "the parameter " + backquoted(name) + " has no value",
                               "pass --param " + name + "=VALUE, or give it a `default`");
    return value;
  }
  if (const auto bad = find_bad_character(given->second)) {
    context_.diagnostics.add({}, "--param " + name + ": " + bad->message);
    return std::nullopt;
  }
  return given->second;
}

void ParamsReader::check_choices(const YamlEntry& entry, const std::string& value) {
  const YamlNode* node = entry.value->find("choices");
  if (node == nullptr || !reader_.expect_sequence(*node, "`choices`", "[Debug, Release]")) return;
  const std::string name(entry.key->scalar());
  std::vector<std::string> choices;
  for (const YamlNode* item : node->items()) {
    auto choice = literal(*item, "each of the `choices`");
    if (!choice) return;
    choices.push_back(std::move(*choice));
  }
  if (choices.empty())
    context_.diagnostics.add(node->position, "`choices` is empty",
                             "list the values that are allowed, or remove the key");
  if (choices.empty() || std::ranges::find(choices, value) != choices.end()) return;
  const std::vector<std::string_view> views(choices.begin(), choices.end());
  const YamlNode* fallback = entry.value->find("default");
  const bool from_file = fallback != nullptr && fallback->scalar() == value;
  context_.diagnostics.add(from_file ? fallback->position : Position(),
                           (from_file ? "the default " : "--param " + name + ": the value ") +
                               backquoted(value) + " is not one of the choices",
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
