// read_cobertura: the XML that Cobertura began and many tools write a dialect of: coverage.py,
// gcovr, istanbul, gocover-cobertura, and what converts JaCoCo's reports. What is taken of each is
// in the tests, with a sample of each.
#pragma once

#include <string_view>

#include "runtime/base/result.h"
#include "runtime/coverage/coverage_builder.h"

namespace stagebox::coverage {

/// Counts the <line> elements of each file; rates are not looked at, and lines that are summed up
/// ("lines-valid") and not listed are kInvalid. A line of a method that its class lists too, and a
/// file with several classes, count once. Where the document has one <source>, names are relative
/// to it. kInvalid, with the line, for what is no such document, and beyond CoverageLimits; what
/// stands before that has been added. No message quotes the document.
base::Result<void> read_cobertura(std::string_view document, CoverageBuilder& builder);

}  // namespace stagebox::coverage
