// JSON as the commands print it.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace stagebox::cli {

/// Indented, with a line end. Bytes that are not UTF-8 (a command's name can be any bytes) are
/// replaced.
inline std::string pretty(const nlohmann::json& document) {
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace stagebox::cli
