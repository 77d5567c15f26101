#include "runtime/run/secrets/masked_log.h"

#include <utility>

namespace stagebox::run {

using base::Result;
using logs::Stream;

MaskedLog::MaskedLog(logs::LogWriter& log, const SecretAutomaton* secrets, logs::LogWatch* watch,
                     AddedMasks* added)
    : log_(log), watch_(watch) {
  if (added != nullptr) commands_.emplace(*added);
  if (secrets == nullptr) return;
  for (Masker& one : maskers_) one.emplace(*secrets);
}

std::span<std::byte> MaskedLog::room(Stream stream) {
  const bool is_masked = masker(stream) || (commands_ && commands_->masks_any());
  return is_masked ? std::span<std::byte>() : log_.room();
}

Result<void> MaskedLog::append(Stream stream, std::span<const std::byte> bytes) {
  if (masker(stream)) {
    out_.clear();
    masker(stream)->feed(bytes, out_);
    bytes = std::as_bytes(std::span(out_));
  }
  TRY(pass(stream, bytes));
  const bool holds_any = (masker(stream) && masker(stream)->holds_any()) ||
                         (commands_ && commands_->holds_any(stream));
  if (watch_ != nullptr &&
      holds_any != std::exchange(holds_.at(static_cast<std::size_t>(stream)), holds_any))
    watch_->set_held_back(stream, holds_any);
  return {};
}

// What the stage itself asked to be masked.
Result<void> MaskedLog::pass(Stream stream, std::span<const std::byte> bytes) {
  if (!commands_) return write(stream, bytes);
  const auto passing = commands_->pass(stream, bytes);
  if (passing == MaskCommands::Passing::kWithMarks) return write(stream, bytes);
  if (passing == MaskCommands::Passing::kWithoutMarks)
    return write(stream, bytes, logs::LogWatch::Marks::kNone);
  // `bytes` may lie where the log wants to have what it gets.
  passed_.clear();
  commands_->feed(stream, bytes, passed_);
  TRY(write(stream, std::as_bytes(std::span(passed_))));
  return say_refusals();
}

Result<void> MaskedLog::finish(SecretMasker::End end) {
  for (const Stream stream : {Stream::kStdout, Stream::kStderr}) {
    if (masker(stream)) {
      out_.clear();
      masker(stream)->finish(out_, end);
      TRY(pass(stream, std::as_bytes(std::span(out_))));
    }
    if (!commands_) continue;
    passed_.clear();
    commands_->finish(stream, passed_, end);
    TRY(write(stream, std::as_bytes(std::span(passed_))));
  }
  if (commands_) {
    TRY(say_refusals());
    if (commands_->refused_silently() > 0)
      TRY(say(std::to_string(commands_->refused_silently()) +
              " further values of ::add-mask:: are not masked"));
  }
  if (watch_ != nullptr) watch_->finish();
  return log_.flush();
}

Result<void> MaskedLog::say_refusals() {
  for (std::string& refusal : commands_->take_refusals()) TRY(say(std::move(refusal)));
  return {};
}

Result<void> MaskedLog::say(std::string text) {
  TRY(log_.notice(text));
  refusals_.push_back(std::move(text));
  return {};
}

Result<void> MaskedLog::write(Stream stream, std::span<const std::byte> bytes,
                              logs::LogWatch::Marks marks) {
  TRY(log_.append(stream, bytes));
  if (watch_ != nullptr) watch_->add(stream, bytes, marks);
  return {};
}

}  // namespace stagebox::run
