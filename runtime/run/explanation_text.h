// An explanation in words: one line that answers, and one for each difference. Pure.
#pragma once

#include <string>

#include "runtime/run/explanation.h"
#include "runtime/store/action_diff.h"

namespace stagebox::run {

/// "build ran because the input src/a.c changed since run 0123456789ab". Without line break; what
/// came from elsewhere is not escaped yet.
std::string answer(const Explanation& explanation);

/// What the differences are from: "run 0123456789ab", "m[1] of run
/// 0123456789ab". There is a nearest run.
std::string compared_with(const Explanation& explanation);

/// "the variable CFLAGS changed from -O2 to -O3".
std::string describe(const store::Difference& difference);

}  // namespace stagebox::run
