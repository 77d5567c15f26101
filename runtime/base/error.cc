#include "runtime/base/error.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace stagebox::base {

Error Error::with_context(std::string_view context) const {
  return Error{kind, errno_value, std::string(context) + ": " + message};
}

Error invalid(std::string message) { return {ErrorKind::kInvalid, 0, std::move(message)}; }
Error not_found(std::string message) { return {ErrorKind::kNotFound, 0, std::move(message)}; }
Error unsupported(std::string message) { return {ErrorKind::kUnsupported, 0, std::move(message)}; }
Error corrupt(std::string message) { return {ErrorKind::kCorrupt, 0, std::move(message)}; }
Error cancelled(std::string message) { return {ErrorKind::kCancelled, 0, std::move(message)}; }

Error system_error(std::string_view attempted, int errno_value) {
  return {ErrorKind::kSystem, errno_value, std::string(attempted) + ": " + errno_text(errno_value)};
}

Error errno_error(std::string_view attempted) { return system_error(attempted, errno); }

std::string errno_text(int errno_value) {
  const char* text = strerrordesc_np(errno_value);
  return text != nullptr ? text : "error " + std::to_string(errno_value);
}

}  // namespace stagebox::base
