// For the parsers of this folder only: untrusted JSON, parsed with limits, and access to its
// fields that answers with an Error instead of an exception.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "images/base/limits.h"
#include "runtime/base/result.h"

namespace stagebox::images {

using Json = nlohmann::json;

/// kInvalid when `text` is not one JSON object or array, or exceeds the limits.
base::Result<Json> parse_json(std::string_view text, const Limits& limits);

/// A field that is missing or null is nullptr.
const Json* find_field(const Json& object, const char* key);
/// Missing or null: empty. kInvalid when it is something else than a string or holds a NUL byte.
base::Result<std::string> string_field(const Json& object, const char* key);
/// Missing or null: empty. kInvalid for anything else than an array of strings.
base::Result<std::vector<std::string>> strings_field(const Json& object, const char* key);
/// Missing or null: nullptr. kInvalid for anything else than an array.
base::Result<const Json*> array_field(const Json& object, const char* key);
/// Missing or null: nullptr. kInvalid for anything else than an object.
base::Result<const Json*> object_field(const Json& object, const char* key);
/// kInvalid when it is missing, negative, fractional or no number.
base::Result<std::uint64_t> size_field(const Json& object, const char* key);

}  // namespace stagebox::images
