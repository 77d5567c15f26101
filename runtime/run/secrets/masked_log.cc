#include "runtime/run/secrets/masked_log.h"

namespace stagebox::run {

using base::Result;
using logs::Stream;

MaskedLog::MaskedLog(logs::LogWriter& log, const SecretAutomaton* secrets, logs::LogWatch* watch)
    : log_(log), watch_(watch) {
  if (secrets == nullptr) return;
  for (Masker& one : maskers_) one.emplace(*secrets);
}

std::span<std::byte> MaskedLog::room(Stream stream) {
  return masker(stream) ? std::span<std::byte>() : log_.room();
}

Result<void> MaskedLog::append(Stream stream, std::span<const std::byte> bytes) {
  if (!masker(stream)) return write(stream, bytes);
  masker(stream)->feed(bytes, out_);
  TRY(write_out(stream));
  if (watch_ != nullptr) watch_->set_held_back(stream, masker(stream)->holds_any());
  return {};
}

Result<void> MaskedLog::finish(SecretMasker::End end) {
  for (const Stream stream : {Stream::kStdout, Stream::kStderr}) {
    if (!masker(stream)) continue;
    masker(stream)->finish(out_, end);
    TRY(write_out(stream));
  }
  if (watch_ != nullptr) watch_->finish();
  return log_.flush();
}

Result<void> MaskedLog::write(Stream stream, std::span<const std::byte> bytes) {
  TRY(log_.append(stream, bytes));
  if (watch_ != nullptr) watch_->add(stream, bytes);
  return {};
}

Result<void> MaskedLog::write_out(Stream stream) {
  auto written = write(stream, std::as_bytes(std::span(out_)));
  out_.clear();
  return written;
}

}  // namespace stagebox::run
