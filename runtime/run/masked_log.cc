#include "runtime/run/masked_log.h"

namespace stagebox::run {

base::Result<void> MaskedLog::append(std::span<const std::byte> bytes) {
  if (!masker_) return log_.append(bytes);
  masker_->feed(bytes, out_);
  return write_out();
}

base::Result<void> MaskedLog::finish() {
  if (!masker_) return {};
  masker_->finish(out_);
  return write_out();
}

base::Result<void> MaskedLog::write_out() {
  auto written = log_.append(std::as_bytes(std::span(out_)));
  out_.clear();
  return written;
}

}  // namespace stagebox::run
