#include "sandbox/oci/oci_reader.h"

namespace stagebox::sandbox::oci {

using base::Result;

Result<OciReader> OciReader::of(const Json& value, std::string where) {
  if (!value.is_object())
    return base::invalid((where.empty() ? "config.json" : where) + " is not an object");
  return OciReader(value, std::move(where));
}

std::string OciReader::name_of(const std::string& key) const {
  return where_.empty() ? key : where_ + "." + key;
}

base::Error OciReader::wrong(const char* key, const char* expected) const {
  return base::invalid(name_of(key) + ": expected " + expected);
}

const Json* OciReader::raw(const char* key) {
  known_.insert(key);
  const auto found = value_->find(key);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

Result<void> OciReader::read(const char* key, std::string& value) {
  const Json* found = raw(key);
  if (found == nullptr) return {};
  if (!found->is_string()) return wrong(key, "a string");
  value = found->get<std::string>();
  if (value.find('\0') != std::string::npos) return wrong(key, "a string without a NUL character");
  return {};
}

Result<void> OciReader::read(const char* key, bool& value) {
  const Json* found = raw(key);
  if (found == nullptr) return {};
  if (!found->is_boolean()) return wrong(key, "true or false");
  value = found->get<bool>();
  return {};
}

Result<void> OciReader::read(const char* key, std::vector<std::string>& value) {
  const Json* found = raw(key);
  if (found == nullptr) return {};
  if (!found->is_array()) return wrong(key, "an array of strings");
  value.clear();
  for (const Json& item : *found) {
    if (!item.is_string()) return wrong(key, "an array of strings");
    value.push_back(item.get<std::string>());
    if (value.back().find('\0') != std::string::npos)
      return wrong(key, "strings without a NUL character");
  }
  return {};
}

Result<void> OciReader::read(const char* key, std::map<std::string, std::string>& value) {
  const Json* found = raw(key);
  if (found == nullptr) return {};
  if (!found->is_object()) return wrong(key, "an object of strings");
  for (const auto& [name, text] : found->items()) {
    if (!text.is_string()) return wrong(key, "an object of strings");
    value[name] = text.get<std::string>();
    if ((name + value[name]).find('\0') != std::string::npos)
      return wrong(key, "strings without a NUL character");
  }
  return {};
}

Result<std::optional<OciReader>> OciReader::child(const char* key) {
  const Json* found = raw(key);
  if (found == nullptr) return std::optional<OciReader>();
  return std::optional<OciReader>(TRY(of(*found, name_of(key))));
}

Result<std::vector<OciReader>> OciReader::children(const char* key) {
  std::vector<OciReader> children;
  const Json* found = raw(key);
  if (found == nullptr) return children;
  if (!found->is_array()) return wrong(key, "an array of objects");
  for (std::size_t i = 0; i < found->size(); ++i) {
    children.push_back(
        TRY(of((*found)[i], name_of(key).append("[").append(std::to_string(i)).append("]"))));
  }
  return children;
}

std::vector<std::string> OciReader::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : value_->items()) keys.push_back(key);
  return keys;
}

Result<void> OciReader::refuse(const char* key, const char* why) {
  const Json* found = raw(key);
  const bool nothing = found == nullptr || (found->is_boolean() && !found->get<bool>()) ||
                       (found->is_number_integer() && found->get<std::int64_t>() == 0) ||
                       (found->is_string() && found->get<std::string>().empty()) ||
                       (found->is_structured() && found->empty());
  if (nothing) return {};
  return base::unsupported(name_of(key) + ": " + why);
}

Result<void> OciReader::finish() const {
  for (const auto& [key, value] : value_->items()) {
    if (!known_.contains(key))
      return base::invalid(name_of(key) + ": this key is not known, so it cannot be honoured");
  }
  return {};
}

}  // namespace stagebox::sandbox::oci
