#include "runtime/cli/annotation_lines.h"

#include "scheduler/diagnostics.h"

namespace stagebox::cli {

std::string annotation_text(const logs::Annotation& annotation) {
  std::string text = annotation.file;
  if (annotation.line != 0) text += ":" + std::to_string(annotation.line);
  if (annotation.line != 0 && annotation.column != 0)
    text += ":" + std::to_string(annotation.column);
  if (!text.empty()) text += ": ";
  text += std::string(logs::level_name(annotation.level)) + ": ";
  if (!annotation.title.empty()) text += annotation.title + ": ";
  return scheduler::escape_controls(text + annotation.message);
}

void AnnotationSummary::on_stage(const std::string& stage, scheduler::StageState state,
                                 const run::StageRecord* record) {
  if (!scheduler::is_final(state) || record == nullptr) return;
  const run::StageAnnotations& told = record->annotations;
  count_ += told.list.size() + told.more;
  for (const logs::Annotation& one : told.list) {
    auto& lines = lines_.at(static_cast<std::size_t>(one.level));
    if (lines.size() < kMost)
      lines.push_back("  " + scheduler::escape_controls(stage) + ": " + annotation_text(one) +
                      "\n");
  }
}

std::string AnnotationSummary::text(const std::string& run_id) const {
  if (count_ == 0) return "";
  std::string text = "what stages reported:\n";
  std::size_t shown = 0;
  for (const auto& lines : lines_) {
    for (const std::string& line : lines) {
      if (shown == kMost) break;
      text += line;
      ++shown;
    }
  }
  if (count_ == shown) return text;
  return text + "  and " + std::to_string(count_ - shown) + " more:  stagebox logs " + run_id +
         " --annotations\n";
}

}  // namespace stagebox::cli
