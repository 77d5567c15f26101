#include "scheduler/file/stage_io_reader.h"

#include <array>
#include <limits>

#include "runtime/base/path_patterns.h"
#include "scheduler/file/keys.h"
#include "scheduler/file/names.h"

namespace stagebox::scheduler {
namespace {

constexpr std::array<std::string_view, 2> kModes{"ro", "overlay"};
constexpr std::array<std::string_view, 3> kWhen{"success", "failure", "always"};
constexpr std::array<std::string_view, 2> kTypes{"file", "directory"};
constexpr std::string_view kInputExample = "src: {path: .} or lib: {from: build.lib}";
constexpr std::string_view kOutputExample = "lib: work/libz.a";
constexpr Range<std::uint64_t> kSizeRange{1, std::numeric_limits<std::int64_t>::max(),
                                          "an output of 0 bytes needs no limit"};

base::RelativePath read_place(const YamlNode& key, const ValueReader& reader) {
  if (has_expression(key.scalar())) {
    reader.diagnostics().add(
        key.position, "expressions are not allowed in keys, found " + backquoted(key.scalar()),
        "write the path out; only values may be computed");
    return {};
  }
  const auto path = base::RelativePath::parse(key.scalar());
  if (!path.ok()) {
    reader.diagnostics().add(key.position, "an input is named by its path in the workspace, but " +
                                               path.error().message);
    return {};
  }
  if (path->is_self())
    reader.diagnostics().add(key.position, "an input cannot be the whole workspace",
                             "give it a path of its own, such as `src`");
  return *path;
}

std::optional<FromOutput> read_from(const YamlNode& node, const ValueReader& reader) {
  const auto text = reader.word(node, "`from`", "STAGE.OUTPUT");
  if (!text) return std::nullopt;
  const std::size_t dot = text->rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == text->size()) {
    reader.diagnostics().add(node.position,
                             "`from` must be STAGE.OUTPUT, found " + backquoted(*text));
    return std::nullopt;
  }
  return FromOutput{text->substr(0, dot), text->substr(dot + 1), node.position};
}

std::vector<std::string> read_patterns(const YamlNode& node, std::string_view what,
                                       const ValueReader& reader) {
  std::vector<std::string> patterns;
  for (PlacedText& item : reader.placed_texts(node, what)) {
    const auto parsed = base::PathPatterns::parse({item.text});
    if (!parsed.ok())
      reader.diagnostics().add(item.position, std::string(what) + ": " + parsed.error().message,
                               "patterns are written as in a .gitignore file");
    patterns.push_back(std::move(item.text));
  }
  return patterns;
}

constexpr std::string_view kInputRule =
    "inputs come from the pipeline file's directory and what is below it, and from nowhere else";

HostPath read_host_path(const YamlNode& node, const ValueReader& reader) {
  HostPath host;
  if (const YamlNode* path = node.find("path"))
    host.path = reader.path(*path, "`path`", kInputRule).value_or(base::RelativePath());
  if (const YamlNode* exclude = node.find("exclude"))
    host.exclude = read_patterns(*exclude, "`exclude`", reader);
  if (const YamlNode* include = node.find("include"))
    host.include = read_patterns(*include, "`include`", reader);
  if (const YamlNode* gitignore = node.find("gitignore"))
    host.gitignore = reader.boolean(*gitignore, "`gitignore`").value_or(false);
  return host;
}

void read_source(const YamlEntry& entry, const ValueReader& reader, Input& input) {
  const YamlNode* path = entry.value->find("path");
  const YamlNode* from = entry.value->find("from");
  const std::string name = backquoted(entry.key->scalar());
  if ((path == nullptr) == (from == nullptr)) {
    reader.diagnostics().add(entry.key->position,
                             "the input " + name + " must have either `path` or `from`, found " +
                                 (path == nullptr ? "neither" : "both"),
                             "`path` is on the host, `from` is the output of another stage");
    if (path != nullptr) return;
  }
  if (from != nullptr) {
    for (const char* key : {"exclude", "include", "gitignore"}) {
      if (const YamlNode* node = entry.value->find(key))
        reader.diagnostics().add(node->position, backquoted(key) + " goes with `path` only",
                                 "an output is taken whole");
    }
    if (auto source = read_from(*from, reader)) input.source = std::move(*source);
    return;
  }
  input.source = read_host_path(*entry.value, reader);
}

Input read_input(const YamlEntry& entry, const ValueReader& reader) {
  Input input{.at = read_place(*entry.key, reader), .position = entry.key->position, .source = {}};
  if (!reader.expect_mapping(*entry.value, "the input " + backquoted(entry.key->scalar()),
                             kInputExample))
    return input;
  check_keys(*entry.value, kInputKeys, reader.diagnostics());
  read_source(entry, reader, input);
  if (const YamlNode* mode = entry.value->find("mode")) {
    if (const auto chosen = reader.choice(*mode, "`mode`", kModes))
      input.mode = static_cast<InputMode>(*chosen);
  }
  return input;
}

void read_output_path(const YamlNode& node, const ValueReader& reader, Output& output) {
  const auto path = reader.path(node, "the path of the output " + backquoted(output.name));
  if (!path) return;
  output.path = *path;
  if (path->is_self())
    reader.diagnostics().add(
        node.position,
        "the output " + backquoted(output.name) + " is the whole workspace, inputs included",
        "let the stage write into a directory of its own, such as `out`");
}

void read_long_form(const YamlNode& node, const ValueReader& reader, Output& output) {
  check_keys(node, kOutputKeys, reader.diagnostics());
  if (const YamlNode* path = node.find("path"))
    read_output_path(*path, reader, output);
  else
    reader.diagnostics().add(output.position,
                             "the output " + backquoted(output.name) + " has no `path`");
  if (const YamlNode* type = node.find("type")) {
    if (const auto chosen = reader.choice(*type, "`type`", kTypes))
      output.type = static_cast<OutputType>(*chosen);
  }
  if (const YamlNode* size = node.find("max_size"))
    output.max_size = reader.bytes(*size, "`max_size`", kSizeRange);
  if (const YamlNode* when = node.find("when"))
    output.when = read_when(*when, reader).value_or(When::kSuccess);
}

Output read_output(const YamlEntry& entry, const ValueReader& reader) {
  Output output{.name = std::string(entry.key->scalar()),
                .position = entry.key->position,
                .path = {},
                .type = {},
                .max_size = {},
                .when = When::kSuccess};
  check_name(NameKind::kOutput, output.name, output.position, reader.diagnostics());
  if (entry.value->is_mapping())
    read_long_form(*entry.value, reader, output);
  else if (entry.value->is_scalar() && !entry.value->is_null())
    read_output_path(*entry.value, reader, output);
  else
    reader.mismatch(*entry.value, "the output " + backquoted(output.name), "a path or a mapping",
                    "write for example " + std::string(kOutputExample));
  return output;
}

}  // namespace

std::vector<Input> read_inputs(const YamlNode& node, const ValueReader& reader,
                               const FileContext& context) {
  std::vector<Input> inputs;
  if (!reader.expect_mapping(node, "`inputs`", kInputExample) ||
      !context.within(node.entries().size(), FileLimits::kInputs, "inputs", node.position))
    return inputs;
  for (const YamlEntry& entry : node.entries()) {
    if (!entry.duplicate) inputs.push_back(read_input(entry, reader));
  }
  return inputs;
}

std::vector<Output> read_outputs(const YamlNode& node, const ValueReader& reader,
                                 const FileContext& context) {
  std::vector<Output> outputs;
  if (!reader.expect_mapping(node, "`outputs`", kOutputExample) ||
      !context.within(node.entries().size(), FileLimits::kOutputs, "outputs", node.position))
    return outputs;
  for (const YamlEntry& entry : node.entries()) {
    if (!entry.duplicate) outputs.push_back(read_output(entry, reader));
  }
  return outputs;
}

std::optional<When> read_when(const YamlNode& node, const ValueReader& reader) {
  const auto chosen = reader.choice(node, "`when`", kWhen);
  return chosen ? std::optional(static_cast<When>(*chosen)) : std::nullopt;
}

}  // namespace stagebox::scheduler
