// read_tests: the `tests` of a stage: where its test runner writes reports; and its `quarantine`.
#pragma once

#include <string>
#include <vector>

#include "scheduler/pipeline.h"
#include "scheduler/value_reader.h"
#include "scheduler/yaml_node.h"

namespace stagebox::scheduler {

/// In the file's order; what is wrong is reported and left out.
std::vector<TestReports> read_tests(const YamlNode& node, const ValueReader& reader);
std::vector<std::string> read_quarantine(const YamlNode& node, const ValueReader& reader);

}  // namespace stagebox::scheduler
