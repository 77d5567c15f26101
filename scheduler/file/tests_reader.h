// read_tests, read_coverage, read_summary: the `tests`, the `coverage` and the `summary` of a
// stage, which say where it writes reports; and its `quarantine`.
#pragma once

#include <string>
#include <vector>

#include "scheduler/file/value_reader.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// In the file's order; what is wrong is reported and left out.
std::vector<DeclaredReports> read_tests(const YamlNode& node, const ValueReader& reader);
std::vector<DeclaredReports> read_coverage(const YamlNode& node, const ValueReader& reader);
/// One, or what is wrong is reported.
std::vector<DeclaredReports> read_summary(const YamlNode& node, const ValueReader& reader);
std::vector<std::string> read_quarantine(const YamlNode& node, const ValueReader& reader);

}  // namespace stagebox::scheduler
