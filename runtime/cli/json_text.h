// JSON as the commands print it.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "runtime/store/runs/run_types.h"

namespace stagebox::cli {

/// Indented, with a line end. Bytes that are not UTF-8 (a command's name can be any bytes) are
/// replaced.
inline std::string pretty(const nlohmann::json& document) {
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

/// A stored output.
inline nlohmann::json output_json(const store::OutputRow& row) {
  return {{"stage", row.stage},
          {"name", row.output.name},
          {"path", row.output.path.str()},
          {"kind", std::string(store::output_kind_name(row.output.kind))},
          {"digest", row.output.digest.oci()},
          {"bytes", row.output.total_bytes}};
}

}  // namespace stagebox::cli
