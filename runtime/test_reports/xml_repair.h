// Makes XML of what test runners write. Pure.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::test_reports {

/// The document in UTF-8 (from Latin-1 where its declaration says so, else what is not UTF-8
/// becomes U+FFFD), without a byte order mark, with U+FFFD instead of characters and references to
/// characters that XML forbids. kInvalid for UTF-16.
base::Result<std::string> repaired_xml(std::string_view document);

}  // namespace stagebox::test_reports
