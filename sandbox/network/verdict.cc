#include "sandbox/network/verdict.h"

namespace stagebox::sandbox::network {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRefused:
      return "refused";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kMalformed:
      return "malformed";
    case Verdict::kAllowed:
      break;
  }
  return "allowed";
}

std::optional<Verdict> verdict_of(std::string_view name) {
  for (const Verdict verdict :
       {Verdict::kAllowed, Verdict::kRefused, Verdict::kFailed, Verdict::kMalformed}) {
    if (name == name_of(verdict)) return verdict;
  }
  return std::nullopt;
}

}  // namespace stagebox::sandbox::network
