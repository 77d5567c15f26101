// OciReader: one object of a config.json. It remembers which keys were asked for, so that finish()
// can refuse the others by name.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::sandbox::oci {

using Json = nlohmann::json;

class OciReader {
 public:
  /// `where` is how messages name it, such as "linux.resources"; empty for the whole.
  static base::Result<OciReader> of(const Json& value, std::string where);

  // Each leaves `value` alone when the key is missing or null, and answers kInvalid, naming the
  // key, for another type or a number out of range.
  base::Result<void> read(const char* key, std::string& value);
  base::Result<void> read(const char* key, bool& value);
  base::Result<void> read(const char* key, std::vector<std::string>& value);
  base::Result<void> read(const char* key, std::map<std::string, std::string>& value);
  template <typename Number>
    requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>)
  base::Result<void> read(const char* key, Number& value);
  template <typename T>
  base::Result<void> read(const char* key, std::optional<T>& value);

  /// Nothing when the key is missing or null.
  base::Result<std::optional<OciReader>> child(const char* key);
  /// An array of objects.
  base::Result<std::vector<OciReader>> children(const char* key);
  /// All keys, which are names that the object is free to choose.
  [[nodiscard]] std::vector<std::string> keys() const;
  /// The value as it is; nullptr when it is missing or null.
  const Json* raw(const char* key);

  /// kUnsupported, saying why, when the key is there and neither null, empty, 0 nor false.
  base::Result<void> refuse(const char* key, const char* why);
  /// kInvalid for the first key that nobody asked for.
  [[nodiscard]] base::Result<void> finish() const;

  [[nodiscard]] std::string name_of(const std::string& key) const;

 private:
  OciReader(const Json& value, std::string where) : value_(&value), where_(std::move(where)) {}
  [[nodiscard]] base::Error wrong(const char* key, const char* expected) const;

  const Json* value_;
  std::string where_;
  std::set<std::string> known_;
};

template <typename Number>
  requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>)
base::Result<void> OciReader::read(const char* key, Number& value) {
  const Json* found = raw(key);
  if (found == nullptr) return {};
  using Limits = std::numeric_limits<Number>;
  if (found->is_number_unsigned()) {
    const auto number = found->get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(Limits::max())) return wrong(key, "a smaller number");
    value = static_cast<Number>(number);
    return {};
  }
  if (!found->is_number_integer()) return wrong(key, "a whole number");
  const auto number = found->get<std::int64_t>();
  if (std::is_unsigned_v<Number> || number < static_cast<std::int64_t>(Limits::min()))
    return wrong(key, "a greater number");
  value = static_cast<Number>(number);
  return {};
}

template <typename T>
base::Result<void> OciReader::read(const char* key, std::optional<T>& value) {
  if (raw(key) == nullptr) return {};
  T found{};
  TRY(read(key, found));
  value = std::move(found);
  return {};
}

}  // namespace stagebox::sandbox::oci
