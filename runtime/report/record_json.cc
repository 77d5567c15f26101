#include "runtime/report/record_json.h"

#include "runtime/run/findings/annotation_json.h"
#include "runtime/run/findings/coverage_json.h"
#include "runtime/run/report_json.h"

namespace stagebox::report {
namespace {

using nlohmann::json;

json json_of(const std::vector<test_reports::TestCase>& cases) {
  json list = json::array();
  for (const test_reports::TestCase& test : cases)
    list.push_back({{"suite", test.suite}, {"name", test.name}, {"message", test.message}});
  return list;
}

json json_of(const run::StageTests& tests) {
  json object{{"passed", tests.report.passed},
              {"failed", tests.report.failed},
              {"skipped", tests.report.skipped},
              {"quarantined", tests.quarantined},
              {"failed_cases", json_of(tests.failed)},
              {"quarantined_cases", json_of(tests.quarantined_cases)},
              {"problems", tests.problems}};
  if (!tests.unmatched_quarantine.empty())
    object["unmatched_quarantine"] = tests.unmatched_quarantine;
  return object;
}

json json_of(const run::StageCoverage& coverage) {
  json object = json::parse(run::coverage_json(run::counts_of(coverage.report)));
  if (coverage.before) object["before"] = json::parse(run::coverage_json(*coverage.before));
  object["problems"] = coverage.problems;
  return object;
}

}  // namespace

json record_json(const run::StageRecord& record) {
  json object = json::object();
  if (!record.key.is_zero()) object["key"] = record.key.hex();
  if (!record.log_path.empty()) object["log"] = record.log_path;
  if (!record.cached_from.empty()) object["cached_from"] = record.cached_from;
  if (!record.connections.is_empty())
    object["connections"] = json::parse(run::connections_json(record.connections));
  if (record.tests) object["tests"] = json_of(*record.tests);
  if (record.coverage) object["coverage"] = json_of(*record.coverage);
  if (record.summary) object["summary"] = {{"lines", record.summary->report.lines}};
  for (const logs::Annotation& one : record.annotations.list)
    object["annotations"].push_back(json::parse(run::annotation_json(one)));
  if (record.annotations.more > 0) object["more_annotations"] = record.annotations.more;
  if (record.report)
    object["report"] = json::parse(run::report_json(*record.report, record.caches));
  for (const store::StoredOutput& output : record.outputs) {
    object["outputs"].push_back({{"name", output.name},
                                 {"path", output.path.str()},
                                 {"kind", std::string(store::output_kind_name(output.kind))},
                                 {"digest", output.digest.oci()},
                                 {"bytes", output.total_bytes}});
  }
  return object;
}

}  // namespace stagebox::report
