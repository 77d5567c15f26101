#include "scheduler/file/check_paths.h"

#include <map>
#include <string>
#include <string_view>

namespace stagebox::scheduler {
namespace {

// Paths by their text, so that what contains a path is found among its own prefixes and not by
// comparing all pairs.
template <typename Item>
class PathIndex {
 public:
  /// The item that is already at `path`, or nullptr.
  const Item* add(const base::RelativePath& path, const Item& item) {
    const auto [at, first] = items_.emplace(path.str(), &item);
    return first ? nullptr : at->second;
  }
  /// The item at `path` or at the nearest directory above it.
  [[nodiscard]] const Item* at_or_above(const base::RelativePath& path) const {
    const Item* same = at(path.str());
    return same != nullptr ? same : above(path);
  }
  [[nodiscard]] const Item* above(const base::RelativePath& path) const {
    std::string_view rest = path.str();
    for (std::size_t slash = rest.rfind('/'); slash != std::string_view::npos;
         slash = rest.rfind('/')) {
      rest = rest.substr(0, slash);
      if (const Item* item = at(rest)) return item;
    }
    return nullptr;
  }

 private:
  [[nodiscard]] const Item* at(std::string_view path) const {
    const auto found = items_.find(path);
    return found == items_.end() ? nullptr : found->second;
  }

  std::map<std::string_view, const Item*> items_;
};

std::string named(const Input& input) { return "the input " + backquoted(input.at.str()); }
std::string named(const Output& output) {
  return "the output " + backquoted(output.name) + " (" + backquoted(output.path.str()) + ")";
}
std::string named(const Cache& cache) { return "the cache " + backquoted(cache.path.str()); }
const base::RelativePath& path_of(const Cache& cache) { return cache.path; }
const base::RelativePath& path_of(const Input& input) { return input.at; }
const base::RelativePath& path_of(const Output& output) { return output.path; }

template <typename Item>
PathIndex<Item> index_and_check(const std::vector<Item>& items, Diagnostics& diagnostics) {
  PathIndex<Item> index;
  for (const Item& item : items) {
    if (path_of(item).is_self()) continue;
    if (const Item* other = index.add(path_of(item), item))
      diagnostics.add(item.position, named(item) + " is at the same path as " + named(*other),
                      "each needs a path of its own");
  }
  for (const Item& item : items) {
    if (const Item* other = index.above(path_of(item)))
      diagnostics.add(item.position, named(item) + " lies inside of " + named(*other),
                      "paths must not overlap");
  }
  return index;
}

void check_output(const Output& output, const PathIndex<Input>& inputs, Diagnostics& diagnostics) {
  const Input* input = inputs.at_or_above(output.path);
  if (input == nullptr) return;
  if (input->at == output.path)
    diagnostics.add(output.position, named(output) + " is at the same path as " + named(*input),
                    "an input cannot be an output; write the result elsewhere");
  else if (input->mode == InputMode::kReadOnly)
    diagnostics.add(output.position,
                    named(output) + " lies inside of " + named(*input) + ", which is read-only",
                    "write it elsewhere, or give the input `mode: overlay`");
}

// A cache is a mount of its own: it can neither be in an input nor hold one, and outputs are taken
// from the workspace beside it.
template <typename Item>
void check_caches(const std::vector<Cache>& caches, const PathIndex<Cache>& by_path,
                  const std::vector<Item>& items, const PathIndex<Item>& others,
                  std::string_view hint, Diagnostics& diagnostics) {
  for (const Cache& cache : caches) {
    if (cache.path.is_self()) continue;
    if (const Item* item = others.at_or_above(cache.path))
      diagnostics.add(cache.position, named(cache) + " is at or inside of " + named(*item), hint);
  }
  for (const Item& item : items) {
    if (path_of(item).is_self()) continue;
    if (const Cache* cache = by_path.above(path_of(item)))
      diagnostics.add(cache->position, named(*cache) + " contains " + named(item), hint);
  }
}

void check_reports(const DeclaredReports& reports, const PathIndex<Input>& inputs,
                   Diagnostics& diagnostics) {
  const Input* input = inputs.at_or_above(reports.fixed_part());
  if (input == nullptr) return;
  diagnostics.add(reports.position,
                  "the " + std::string(reports.noun()) + " " + backquoted(reports.text()) +
                      " lies inside of " + named(*input) + ", where none is looked for",
                  "have it written elsewhere in the workspace");
}

}  // namespace

void check_paths(const Stage& stage, Diagnostics& diagnostics) {
  const auto inputs = index_and_check(stage.inputs, diagnostics);
  const auto outputs = index_and_check(stage.outputs, diagnostics);
  for (const Output& output : stage.outputs) {
    if (!output.path.is_self()) check_output(output, inputs, diagnostics);
  }
  for (const auto* declared : {&stage.tests, &stage.coverage, &stage.summary}) {
    for (const DeclaredReports& reports : *declared) check_reports(reports, inputs, diagnostics);
  }
  for (const Input& input : stage.inputs) {
    if (const Output* output = outputs.above(input.at))
      diagnostics.add(output->position, named(*output) + " contains " + named(input),
                      "an output holds only what the stage made; give it a path of its own");
  }
  const auto caches = index_and_check(stage.caches, diagnostics);
  check_caches(stage.caches, caches, stage.inputs, inputs,
               "give the cache a path of its own in the workspace; the tool can be told of it by a "
               "variable or an option",
               diagnostics);
  check_caches(stage.caches, caches, stage.outputs, outputs,
               "what is to be an output must be copied out of the cache", diagnostics);
}

}  // namespace stagebox::scheduler
