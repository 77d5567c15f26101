// Keeps what a listener wrote.
#pragma once

#include <string>
#include <string_view>

#include "runtime/report/text_sink.h"

namespace stagebox::report::testing {

class RecordedSink final : public TextSink {
 public:
  void write(std::string_view text) override { text_ += text; }
  base::Result<void> finish() override { return {}; }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace stagebox::report::testing
