#include "runtime/run/findings/coverage_json.h"

#include <nlohmann/json.hpp>

namespace stagebox::run {
namespace {

nlohmann::json counts_json(const coverage::Counts& counts) {
  return {{"lines", counts.lines},
          {"lines_covered", counts.lines_covered},
          {"branches", counts.branches},
          {"branches_covered", counts.branches_covered}};
}

}  // namespace

std::string coverage_json(const coverage::Counts& counts) { return counts_json(counts).dump(); }

std::string coverage_json(const store::EarlierCoverage& earlier) {
  nlohmann::json object = counts_json(counts_of(earlier.coverage));
  object["run"] = earlier.run_id;
  return object.dump();
}

std::string coverage_json(const ComparedFile& file) {
  nlohmann::json object = counts_json(file.now);
  object["path"] = file.path;
  if (file.before) object["before"] = counts_json(*file.before);
  return object.dump();
}

}  // namespace stagebox::run
