// Result<T>: how a function that can fail says so. A strict subset of std::expected (C++23): there
// is no monadic interface, and a Result that is not looked at is a compiler warning. Failures of
// ours are an Error; what became of a stage is an ExitReport and never travels in here.
#pragma once

#include <cassert>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/base/error.h"

namespace stagebox::base {

/// A value or an Error. Movable, copyable when T is; not thread-safe.
template <typename T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {
  }  // NOLINT(google-explicit-constructor): `return error;` is the idiom
  template <typename U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {
  }  // NOLINT(google-explicit-constructor): `return value;` is the idiom

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// Only when ok().
  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// Only when not ok().
  Error& error() & { return *std::get_if<1>(&state_); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;
  Result() = default;
  Result(Error error)
      : error_(std::move(error)),
        failed_(true) {}  // NOLINT(google-explicit-constructor): `return error;` is the idiom

  [[nodiscard]] bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  void value() const {}
  Error& error() & { return error_; }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace stagebox::base

/// Unwraps a Result or returns its Error from the enclosing function. Only as a full statement or
/// as the initializer of a local: `auto fd = TRY(open_file(path));`.
#define TRY(expression)                                         \
  __extension__({                                               \
    auto try_result = (expression);                             \
    if (!try_result.ok()) return std::move(try_result).error(); \
    std::move(try_result).value();                              \
  })
