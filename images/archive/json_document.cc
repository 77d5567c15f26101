#include "images/archive/json_document.h"

#include <exception>

#include "images/base/text.h"

namespace stagebox::images {
namespace {

struct TooComplex : std::exception {};

base::Error wrong_type(const char* key, const char* expected) {
  return base::invalid("the field \"" + std::string(key) + "\" is not " + expected);
}

base::Result<std::string> checked_string(const Json& value, const char* key) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) return wrong_type(key, "a string");
  if (text->find('\0') != std::string::npos) {
    return base::invalid("the field \"" + std::string(key) + "\" holds a NUL byte");
  }
  return *text;
}

}  // namespace

base::Result<Json> parse_json(std::string_view text, const Limits& limits) {
  if (text.size() > limits.json_bytes) {
    return base::invalid("it has more than " + std::to_string(limits.json_bytes) + " bytes");
  }
  std::uint64_t values = 0;
  const auto count = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > limits.json_depth || ++values > limits.json_values) throw TooComplex();
    return true;
  };
  try {
    Json document = Json::parse(text.begin(), text.end(), count);
    if (!document.is_structured()) return base::invalid("it is not a JSON object or array");
    return document;
  } catch (const TooComplex&) {
    return base::invalid("it is nested too deeply or has too many values");
  } catch (const Json::parse_error& error) {
    return base::invalid("it is not valid JSON (byte " + std::to_string(error.byte) + ")");
  } catch (const std::exception&) {
    return base::invalid("it is not valid JSON");
  }
}

const Json* find_field(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

base::Result<std::string> string_field(const Json& object, const char* key) {
  const Json* value = find_field(object, key);
  if (value == nullptr) return std::string();
  return checked_string(*value, key);
}

base::Result<std::vector<std::string>> strings_field(const Json& object, const char* key) {
  std::vector<std::string> strings;
  const Json* list = TRY(array_field(object, key));
  if (list == nullptr) return strings;
  for (const Json& value : *list) {
    std::string text = TRY(checked_string(value, key));
    strings.push_back(std::move(text));
  }
  return strings;
}

base::Result<const Json*> array_field(const Json& object, const char* key) {
  const Json* value = find_field(object, key);
  if (value != nullptr && !value->is_array()) return wrong_type(key, "an array");
  return value;
}

base::Result<const Json*> object_field(const Json& object, const char* key) {
  const Json* value = find_field(object, key);
  if (value != nullptr && !value->is_object()) return wrong_type(key, "an object");
  return value;
}

base::Result<std::uint64_t> size_field(const Json& object, const char* key) {
  const Json* value = find_field(object, key);
  if (value == nullptr) return base::invalid("the field \"" + std::string(key) + "\" is missing");
  if (!value->is_number_unsigned()) return wrong_type(key, "a non-negative whole number");
  return value->get<std::uint64_t>();
}

}  // namespace stagebox::images
