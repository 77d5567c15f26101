#include "runtime/store/stage_result.h"

#include <map>
#include <set>
#include <utility>

#include "runtime/base/printable.h"
#include "runtime/store/content/reapi_codec.h"
#include "runtime/store/stage_record.pb.h"

namespace stagebox::store {
namespace {

using base::RelativePath;
using base::Result;

/// By path, which is what joins the two halves of a record.
using OutputsByPath = std::map<std::string, StoredOutput>;

reapi::ActionResult to_action_result(const std::vector<StoredOutput>& outputs) {
  reapi::ActionResult result;
  for (const StoredOutput& output : outputs) {
    if (output.kind == OutputKind::kFile) {
      auto& file = *result.add_output_files();
      file.set_path(output.path.str());
      set_digest(*file.mutable_digest(), output.digest, output.size);
      file.set_is_executable(output.executable == Executable::kYes);
    } else {
      auto& directory = *result.add_output_directories();
      directory.set_path(output.path.str());
      set_digest(*directory.mutable_root_directory_digest(), output.digest, output.size);
    }
  }
  return result;
}

/// "" is the workspace itself, which RelativePath::parse writes ".".
Result<RelativePath> parse_path(const std::string& path) {
  return RelativePath::parse(path.empty() ? "." : path);
}

Result<void> add_output(OutputsByPath& outputs, const std::string& path, OutputKind kind,
                        const reapi::Digest& digest, Executable executable) {
  const BlobRef blob = TRY(get_digest(digest));
  RelativePath parsed = TRY(parse_path(path));
  StoredOutput output{.name = {},
                      .path = std::move(parsed),
                      .kind = kind,
                      .digest = blob.digest,
                      .size = blob.size,
                      .executable = executable,
                      .total_bytes = 0};
  if (outputs.emplace(path, std::move(output)).second) return {};
  return base::corrupt("the output " + base::printable(path) + " stands twice");
}

Result<OutputsByPath> from_action_result(const reapi::ActionResult& result) {
  OutputsByPath outputs;
  for (const auto& file : result.output_files()) {
    const Executable executable = file.is_executable() ? Executable::kYes : Executable::kNo;
    TRY(add_output(outputs, file.path(), OutputKind::kFile, file.digest(), executable));
  }
  for (const auto& directory : result.output_directories()) {
    TRY(add_output(outputs, directory.path(), OutputKind::kDirectory,
                   directory.root_directory_digest(), Executable::kNo));
  }
  return outputs;
}

// Of Tests, of Coverage and of Summary.
template <typename Noted>
Result<BlobRef> blob_of(const Noted& noted) {
  const auto digest = Digest::from_hex(noted.hash());
  if (!digest.ok() || noted.size() < 0) return base::corrupt("what reports said has no digest");
  return BlobRef{*digest, static_cast<std::uint64_t>(noted.size())};
}

template <typename Noted>
void note_blob(const BlobRef& blob, Noted& noted) {
  noted.set_hash(blob.digest.hex());
  noted.set_size(static_cast<std::int64_t>(blob.size));
}

Result<TestReportRef> from_tests(const StageRecord::Tests& noted) {
  const BlobRef blob = TRY(blob_of(noted));
  return TestReportRef{
      .blob = blob, .passed = noted.passed(), .failed = noted.failed(), .skipped = noted.skipped()};
}

Result<CoverageRef> from_coverage(const StageRecord::Coverage& noted) {
  const BlobRef blob = TRY(blob_of(noted));
  return CoverageRef{.blob = blob,
                     .lines = noted.lines(),
                     .lines_covered = noted.lines_covered(),
                     .branches = noted.branches(),
                     .branches_covered = noted.branches_covered()};
}

Result<SummaryRef> from_summary(const StageRecord::Summary& noted) {
  const BlobRef blob = TRY(blob_of(noted));
  return SummaryRef{.blob = blob, .lines = noted.lines()};
}

Result<StageResult> from_record(const StageRecord& record) {
  reapi::ActionResult action_result;
  if (!decode_message(action_result, record.action_result())) {
    return base::corrupt("not an ActionResult message");
  }
  OutputsByPath outputs = TRY(from_action_result(action_result));
  StageResult result;
  for (const auto& noted : record.outputs()) {
    auto found = outputs.extract(noted.path());
    if (found.empty() || noted.total_bytes() < 0) {
      return base::corrupt("the output " + base::printable(noted.name()) + " has no content");
    }
    StoredOutput output = std::move(found.mapped());
    output.name = noted.name();
    output.total_bytes = static_cast<std::uint64_t>(noted.total_bytes());
    result.outputs.push_back(std::move(output));
  }
  if (!outputs.empty()) return base::corrupt("an output has no name");
  if (record.has_tests()) result.tests = TRY(from_tests(record.tests()));
  if (record.has_coverage()) result.coverage = TRY(from_coverage(record.coverage()));
  if (record.has_summary()) result.summary = TRY(from_summary(record.summary()));
  result.run_id = record.run_id();
  result.log_path = record.log_path();
  result.duration = std::chrono::milliseconds(record.duration_ms());
  result.ended_at = decltype(result.ended_at)(std::chrono::milliseconds(record.ended_at_ms()));
  return result;
}

Result<void> check_unique(const std::vector<StoredOutput>& outputs) {
  std::set<std::string> names;
  std::set<RelativePath> paths;
  for (const StoredOutput& output : outputs) {
    if (names.insert(output.name).second && paths.insert(output.path).second) continue;
    return base::invalid("the output " + base::printable(output.name) +
                         " has the name or the path of another output");
  }
  return {};
}

}  // namespace

Result<std::string> StageResult::encode() const {
  TRY(check_unique(outputs));
  StageRecord record;
  record.set_action_result(encode_message(to_action_result(outputs)));
  for (const StoredOutput& output : outputs) {
    auto& noted = *record.add_outputs();
    noted.set_name(output.name);
    noted.set_path(output.path.str());
    noted.set_total_bytes(static_cast<std::int64_t>(output.total_bytes));
  }
  if (tests) {
    auto& noted = *record.mutable_tests();
    note_blob(tests->blob, noted);
    noted.set_passed(tests->passed);
    noted.set_failed(tests->failed);
    noted.set_skipped(tests->skipped);
  }
  if (coverage) {
    auto& noted = *record.mutable_coverage();
    note_blob(coverage->blob, noted);
    noted.set_lines(coverage->lines);
    noted.set_lines_covered(coverage->lines_covered);
    noted.set_branches(coverage->branches);
    noted.set_branches_covered(coverage->branches_covered);
  }
  if (summary) {
    auto& noted = *record.mutable_summary();
    note_blob(summary->blob, noted);
    noted.set_lines(summary->lines);
  }
  record.set_run_id(run_id);
  record.set_log_path(log_path);
  record.set_duration_ms(duration.count());
  record.set_ended_at_ms(ended_at.time_since_epoch().count());
  return encode_message(record);
}

Result<StageResult> StageResult::decode(std::string_view bytes) {
  StageRecord record;
  if (!decode_message(record, bytes)) return base::corrupt("not a stage record");
  auto result = from_record(record);
  if (!result.ok()) return base::corrupt("bad stage record: " + result.error().message);
  return result;
}

}  // namespace stagebox::store
