#include "runtime/run/findings/stage_summary.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "runtime/base/units.h"
#include "runtime/markdown/markup_codec.h"
#include "runtime/run/findings/last_report.h"
#include "runtime/run/findings/report_files.h"
#include "runtime/run/findings/stage_tests.h"
#include "runtime/run/secrets/secret_masker.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::run {
namespace {

using base::Result;
using markdown::Document;
using markdown::Markup;
using markdown::MarkupLimits;

constexpr std::size_t kMostStored = std::size_t{8} << 20U;

constexpr const char* kLeftOut =
    "*What the stage wrote is left out here: with the escapes of Markdown undone it has a "
    "secret.*\n";

// How many masks a text has got; those that it had were its own.
std::size_t mask(std::string& text, const SecretAutomaton& secrets) {
  const auto count = [](std::string_view in) {
    std::size_t found = 0;
    for (std::size_t at = in.find(kMask); at != std::string_view::npos;
         at = in.find(kMask, at + kMask.size()))
      ++found;
    return found;
  };
  const std::size_t before = count(text);
  text = masked(secrets, text);
  return count(text) - std::min(before, count(text));
}

// What the parser undid can make a secret of what was none, so what it said is masked, too. Where
// that finds more than is to be seen in the text, whoever reads it as Markdown would see it.
void mask(Document& document, const SecretAutomaton& secrets) {
  const std::size_t in_text = mask(document.text, secrets);
  std::size_t in_tokens = 0;
  for (markdown::Token& token : document.tokens) {
    const std::size_t masks = mask(token.text, secrets);
    // Of a bare link the text says the same.
    if (token.markup != Markup::kLink) in_tokens += masks;
    // It leads nowhere any more.
    if (token.markup == Markup::kLink && !markdown::is_link(token.text))
      token = {Markup::kEmphasis};
  }
  if (in_tokens > in_text) document.text = kLeftOut;
}

std::size_t lines_of(const std::string& text) {
  const auto breaks = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  return breaks + (text.empty() || text.ends_with('\n') ? 0 : 1);
}

std::string too_long() {
  return "the summary has more than " + base::format_bytes(MarkupLimits::kText) + " or " +
         std::to_string(MarkupLimits::kTokens) + " elements; what follows was left out";
}

}  // namespace

Result<TakenSummary> take_summary(const scheduler::Stage& stage, int workspace_fd,
                                  const ReportReader& reader, const ReportMasking& masking,
                                  const store::ContentStore& content) {
  FoundReports found = TRY(find_reports(stage.summary, workspace_fd));
  TakenSummary taken;
  auto document = reader.read_summary(found.files);
  if (!document.ok()) {
    if (document.error().kind != base::ErrorKind::kInvalid) return std::move(document).error();
    found.problems.push_back(document.error().message);
  } else if (!test_reports::is_blank(document->text)) {
    if (document->is_cut) found.problems.push_back(too_long());
    if (masking.of_cases != nullptr) mask(*document, *masking.of_cases);
    store::SummaryRef report;
    report.blob = TRY(content.put_bytes(markdown::encode_document(*document)));
    report.lines = lines_of(document->text);
    taken.summary = StageSummary{report};
  }
  taken.problems = first_problems(found.problems, "summary");
  if (masking.of_problems != nullptr) {
    for (std::string& problem : taken.problems) problem = masked(*masking.of_problems, problem);
  }
  return taken;
}

Result<Document> load_summary(const store::SummaryRef& report, const store::ContentStore& content) {
  const std::string bytes = TRY(content.read_blob(report.blob.digest, kMostStored));
  return markdown::decode_document(bytes);
}

bool is_of_last_attempt(const store::SummaryRow& summary, const store::StageRow& stage) {
  return summary.attempt == 0 || summary.attempt >= stage.attempts;
}

const store::SummaryRow* last_summary(const store::RunDetails& details,
                                      const store::StageRow& stage) {
  const store::SummaryRow* last = last_report(details.summaries, stage);
  return last != nullptr && is_of_last_attempt(*last, stage) ? last : nullptr;
}

}  // namespace stagebox::run
