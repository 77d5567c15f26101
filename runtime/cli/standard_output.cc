#include "runtime/cli/standard_output.h"

#include <cerrno>
#include <iostream>

namespace stagebox::cli {

StandardOutput::StandardOutput() : own_(std::cout.rdbuf(this)) {}

StandardOutput::~StandardOutput() { std::cout.rdbuf(own_); }

base::Result<void> StandardOutput::finish() {
  std::cout.flush();
  const int failure = failure_;
  if (failure == 0 || failure == EPIPE) return {};
  return base::system_error("cannot write standard output", failure);
}

StandardOutput::int_type StandardOutput::overflow(int_type character) {
  if (traits_type::eq_int_type(character, traits_type::eof()))
    return sync() == 0 ? traits_type::not_eof(character) : character;
  const int_type put = own_->sputc(traits_type::to_char_type(character));
  if (traits_type::eq_int_type(put, traits_type::eof())) note_failure();
  return put;
}

std::streamsize StandardOutput::xsputn(const char* text, std::streamsize count) {
  const std::streamsize put = own_->sputn(text, count);
  if (put < count) note_failure();
  return put;
}

int StandardOutput::sync() {
  const int synced = own_->pubsync();
  if (synced != 0) note_failure();
  return synced;
}

// The first reason is the one that tells: later writes fail for what became of the first.
void StandardOutput::note_failure() {
  int none = 0;
  failure_.compare_exchange_strong(none, errno != 0 ? errno : EIO);
}

}  // namespace stagebox::cli
