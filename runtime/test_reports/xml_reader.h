// read_xml: an XML document of a test runner as a sequence of elements and texts. Made for
// documents that somebody else wrote, maybe to harm us: nothing outside of the document is ever
// read, entities cannot be declared, depth and numbers are limited. What real runners write
// although it is no XML (control characters, bytes that are not UTF-8) is repaired first.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::test_reports {

struct XmlLimits {
  static constexpr std::size_t kDepth = 64;
  static constexpr std::size_t kElements = 4'000'000;
};

/// Of one element; valid during the call that it is given to.
class XmlAttributes {
 public:
  /// Pairs of name and value, a nullptr at the end.
  explicit XmlAttributes(const char* const* pairs) : pairs_(pairs) {}
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// Empty where there is none.
  [[nodiscard]] std::string_view text(std::string_view name) const {
    return find(name).value_or(std::string_view());
  }

 private:
  const char* const* pairs_;
};

/// All names are without a namespace's prefix. An error ends the reading.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual base::Result<void> on_start(std::string_view name, const XmlAttributes& attributes) = 0;
  /// Text and CDATA; one text may come in several pieces.
  virtual void on_text(std::string_view text) = 0;
  virtual base::Result<void> on_end(std::string_view name) = 0;
};

/// UTF-8, or Latin-1 where the document says so. kInvalid, with the line, for what is not
/// well-formed, a DOCTYPE with declarations, a limit, or what the handler said.
base::Result<void> read_xml(std::string_view document, XmlHandler& handler);

}  // namespace stagebox::test_reports
