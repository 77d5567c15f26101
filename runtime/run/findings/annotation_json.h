// An annotation of a stage as JSON, the same in `logs`, in events and in the report.
#pragma once

#include <string>

#include "runtime/logs/workflow_command.h"

namespace stagebox::run {

/// An object: `level`, `message`, and where they are said `title`, `file`, `line`, `end_line`,
/// `column`, `end_column` and `groups`. Bytes that are not UTF-8 are replaced.
std::string annotation_json(const logs::Annotation& annotation);

}  // namespace stagebox::run
