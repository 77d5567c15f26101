#include "runtime/run/stage_record.h"

#include <algorithm>
#include <utility>

#include "runtime/base/utf8.h"
#include "runtime/run/secrets/secret_masker.h"

namespace stagebox::run {
namespace {

void shorten(std::string& text) {
  if (text.size() > StageAnnotations::kLongestText)
    text = base::cut_end(text, StageAnnotations::kLongestText) + "...";
}

}  // namespace

StageAnnotations told_annotations(const logs::Annotations& found, const SecretAutomaton* secrets) {
  std::vector<const logs::Annotation*> all;
  for (const logs::Annotation& one : found.list()) all.push_back(&one);
  // In the order of the levels' numbers.
  std::ranges::stable_sort(all, {}, &logs::Annotation::level);
  StageAnnotations told;
  told.more = found.dropped() + all.size() - std::min(all.size(), StageAnnotations::kMost);
  all.resize(std::min(all.size(), StageAnnotations::kMost));
  for (const logs::Annotation* one : all) {
    logs::Annotation& kept = told.list.emplace_back(*one);
    kept.groups.clear();
    for (std::string* text : {&kept.file, &kept.title, &kept.message}) {
      // Before it is cut: a part of a secret could remain.
      if (secrets != nullptr) *text = masked(*secrets, *text);
      shorten(*text);
    }
  }
  return told;
}

void put_first(StageAnnotations& told, const std::vector<std::string>& warnings) {
  for (std::size_t i = warnings.size(); i > 0; --i) {
    logs::Annotation& warning = *told.list.emplace(told.list.begin());
    warning.level = logs::Annotation::Level::kWarning;
    warning.message = warnings[i - 1];
  }
  if (told.list.size() <= StageAnnotations::kMost) return;
  told.more += told.list.size() - StageAnnotations::kMost;
  told.list.resize(StageAnnotations::kMost);
}

}  // namespace stagebox::run
