#include "runtime/run/explanation_text.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "runtime/base/utf8.h"
#include "runtime/run/stage_cache.h"

namespace stagebox::run {
namespace {

using store::Difference;
using store::DifferenceKind;

constexpr std::size_t kLongestValue = 200;  // bytes
// Of a longer one: so much of what is the same stands before what is not.
constexpr std::size_t kBeforeDifference = 60;

/// The part of a value that is around `place`; from the beginning where all of it is short enough.
std::string shortened(std::string_view value, std::size_t place = 0) {
  std::size_t begin = 0;
  if (value.size() > kLongestValue && place > kBeforeDifference) begin = place - kBeforeDifference;
  while (begin > 0 && base::continues_character(value[begin])) --begin;
  const std::string part = base::cut_end(value.substr(begin), kLongestValue);
  return (begin > 0 ? "...\"" : "\"") + part +
         (begin + part.size() < value.size() ? "\"..." : "\"");
}

/// From one text to another one, as far as one needs to see it.
std::string change_of_text(std::string_view before, std::string_view after) {
  const auto place =
      static_cast<std::size_t>(std::ranges::mismatch(before, after).in1 - before.begin());
  return "from " + shortened(before, place) + " to " + shortened(after, place);
}

bool has_lines(std::string_view text) { return text.find('\n') != std::string_view::npos; }

/// The line at the front of what is left of a text, which it is taken from; nullopt: there is none.
std::optional<std::string_view> take_line(std::optional<std::string_view>& rest) {
  if (!rest) return std::nullopt;
  const std::size_t end = rest->find('\n');
  const std::string_view line = rest->substr(0, end);
  if (end == std::string_view::npos)
    rest.reset();
  else
    rest->remove_prefix(end + 1);
  return line;
}

/// The same of texts of several lines: the first line that is not the same.
std::string change_in_line(const std::string& what, std::size_t number,
                           const std::optional<std::string_view>& before,
                           const std::optional<std::string_view>& after) {
  const std::string line = "line " + std::to_string(number);
  if (!before) return what + " has a " + line + " now: " + shortened(*after);
  if (!after) return what + " has no " + line + " any more; it was " + shortened(*before);
  return what + " changed in " + line + " " + change_of_text(*before, *after);
}

std::string change_of_lines(const std::string& what, std::string_view before,
                            std::string_view after) {
  std::optional<std::string_view> old_rest = before;
  std::optional<std::string_view> new_rest = after;
  for (std::size_t number = 1; old_rest || new_rest; ++number) {
    const auto old_line = take_line(old_rest);
    const auto new_line = take_line(new_rest);
    if (old_line != new_line) return change_in_line(what, number, old_line, new_line);
  }
  return what + " changed";
}

std::string changed(const std::string& what, const Difference& difference) {
  if (!difference.before) return what + " " + shortened(*difference.after) + " is new";
  if (difference.is_withheld)
    return what + (difference.after ? " is not the same; it is " + shortened(*difference.after)
                                    : " is gone");
  if (!difference.after) return what + " " + shortened(*difference.before) + " is gone";
  if (has_lines(*difference.before) || has_lines(*difference.after))
    return change_of_lines(what, *difference.before, *difference.after);
  return what + " changed " + change_of_text(*difference.before, *difference.after);
}

std::string named(const std::string& name, const std::optional<std::string>& value) {
  const std::string shown = value ? shortened(*value) : "";
  return name.empty() ? shown : name + ", " + shown;
}

std::string image(const Difference& difference) {
  const std::string& before = difference.before_name;
  const std::string& after = difference.after_name;
  if (!difference.before || !difference.after || (before.empty() && after.empty()))
    return changed("the image", difference);
  if (difference.is_withheld)
    return "the image is not the same; it is " + named(after, difference.after);
  if (before == after) return changed("the image " + after, difference);
  return "the image changed from " + named(before, difference.before) + " to " +
         named(after, difference.after);
}

/// Its first line is the trust domain, what the stage says follows.
std::string salt(const Difference& difference) {
  if (difference.is_withheld) return "the trust domain or the salt is not the same";
  std::optional<std::string_view> before = difference.before;
  std::optional<std::string_view> after = difference.after;
  const auto old_domain = take_line(before);
  const auto new_domain = take_line(after);
  Difference part = difference;
  if (old_domain != new_domain) {
    part.before = old_domain;
    part.after = new_domain;
    return changed("the trust domain", part);
  }
  part.before = before;
  part.after = after;
  return changed("the salt", part);
}

std::string variable(const Difference& difference) {
  const std::string what = "the variable " + difference.name;
  if (!difference.before) return what + " is new: " + shortened(*difference.after);
  if (difference.is_withheld) return changed(what, difference);
  if (!difference.after) return what + " is gone; it was " + shortened(*difference.before);
  return changed(what, difference);
}

/// "file", "directory" or "link": the first word of a side of an input.
std::string_view type_of(std::string_view side) { return side.substr(0, side.find(' ')); }

bool is_executable(std::string_view side) { return side.ends_with(" executable"); }

std::string input(const Difference& difference) {
  const std::string what = "the input " + difference.name;
  if (!difference.before) return what + " is new";
  if (!difference.after) return what + " is gone";
  if (difference.is_withheld) return what + " is not the same";
  const std::string& before = *difference.before;
  const std::string& after = *difference.after;
  if (type_of(before) != type_of(after)) {
    return what + " was a " + std::string(type_of(before)) + " and is a " +
           std::string(type_of(after));
  }
  if (type_of(after) == "link") return what + " was a " + before + " and is a " + after;
  if (after.starts_with(before)) return what + " became executable";
  if (before.starts_with(after)) return what + " is not executable any more";
  return what + (is_executable(before) == is_executable(after) ? " changed"
                                                               : " changed, and whether it is "
                                                                 "executable");
}

/// "the input src/a.c changed (and 2 more differences)"; there is at least one.
std::string summary(const store::ActionDifferences& differences) {
  std::string text = describe(differences.list.front());
  const std::size_t others = differences.list.size() - 1;
  if (others == 0) return text;
  return text + " (and " + std::to_string(others) + (differences.complete ? " more" : " or more") +
         (others == 1 ? " difference)" : " differences)");
}

/// "run 0123456789ab", "m[1] of run 0123456789ab"
std::string named_run(const NearestRun& nearest, const std::string& stage) {
  const std::string run = "run " + nearest.stage.run_id;
  return nearest.stage.stage == stage ? run : nearest.stage.stage + " of " + run;
}

/// Of a run in which `what` had the same key.
std::string without_record_of(const NearestRun& same, const std::string& what) {
  const std::string run = "run " + same.stage.run_id;
  if (!store::has_succeeded(same.stage.state))
    return what + " did not succeed in " + run + ", and only success is recorded";
  if (same.verdict == to_string(CacheVerdict::kNever))
    return what + " had `cache: never` in " + run + ", which recorded nothing of it";
  return "of " + run + ", in which " + what +
         " succeeded, there is no record: it was removed, could not be written, or "
         "the stage passed only by quarantine";
}

constexpr std::string_view kNoEarlierRun = "no earlier run of this pipeline has it";

/// Compared with another stage.
std::string without_run(const NearestRun& other, const std::string& stage) {
  const std::string what(kNoEarlierRun);
  const auto& differences = other.differences;
  if (differences && differences->list.empty())
    return what + " by this name, and " +
           without_record_of(other, other.stage.stage + ", which is the same,");
  return what + (differences
                     ? "; compared with " + named_run(other, stage) + ": " + summary(*differences)
                     : "");
}

/// Why nothing was recorded under the key.
std::string without_record(const Explanation& explanation) {
  if (!explanation.nearest) return std::string(kNoEarlierRun);
  const NearestRun& nearest = *explanation.nearest;
  const std::string& stage = explanation.stage.stage;
  if (nearest.stage.stage != stage) return without_run(nearest, stage);
  const std::string run = named_run(nearest, stage);
  if (!nearest.differences)
    return "it is not the same as in " + run + "; what changed is not kept any more";
  if (nearest.differences->list.empty()) return without_record_of(nearest, "it");
  return summary(*nearest.differences) + " since " + run;
}

bool had_finished_before(const Explanation& explanation) {
  return explanation.nearest && explanation.nearest->stage.run_id == explanation.stage.run_id;
}

/// Of a stage that had finished before in its run: what the stage cache says is no reason for it.
std::string why_again(const NearestRun& before) {
  if (!before.differences || before.differences->list.empty())
    return "it is not the same as when it had finished before in this run; what changed is not "
           "kept any more";
  return summary(*before.differences) + " since it had finished before in this run";
}

struct Reason {
  CacheVerdict verdict;
  std::string_view text;
};
constexpr Reason kReasons[] = {
    {CacheVerdict::kDamagedRecord, "the record of its result was damaged and has been removed"},
    {CacheVerdict::kMissingOutputs, "something that was recorded is gone: "},
    {CacheVerdict::kOtherOutputs, "its declared outputs are of other types or sizes than recorded"},
    {CacheVerdict::kExpired, "its result was older than its `ttl`: "},
    {CacheVerdict::kNever, "it has `cache: never`"},
    {CacheVerdict::kNetwork, "it has a network, and with `cache: auto` that is never reused"},
    {CacheVerdict::kIgnored, "`--no-cache` was given"},
};

std::string reason(const Explanation& explanation) {
  for (const Reason& one : kReasons) {
    if (explanation.verdict != to_string(one.verdict)) continue;
    const bool joined = one.text.ends_with(' ') || explanation.detail.empty();
    return std::string(one.text) + (joined ? "" : ": ") + explanation.detail;
  }
  if (explanation.verdict.empty()) return "why was not recorded";
  return without_record(explanation);
}

}  // namespace

std::string describe(const Difference& difference) {
  switch (difference.kind) {
    case DifferenceKind::kCommand:
      return changed("the command", difference);
    case DifferenceKind::kVariable:
      return variable(difference);
    case DifferenceKind::kOutput:
      return "the output " + difference.name + (difference.after ? " is new" : " is gone");
    case DifferenceKind::kWorkdir:
      return changed("the working directory", difference);
    case DifferenceKind::kImage:
      return image(difference);
    case DifferenceKind::kNetwork:
      return changed("the network", difference);
    case DifferenceKind::kUser:
      return changed("the user", difference);
    case DifferenceKind::kSalt:
      return salt(difference);
    case DifferenceKind::kOverlay:
      return "the input " + difference.name +
             (difference.after ? " is an overlay now" : " is read-only now");
    case DifferenceKind::kInput:
      return input(difference);
    case DifferenceKind::kOther:
      break;
  }
  return changed("the property " + difference.name, difference);
}

std::string answer(const Explanation& explanation) {
  const store::StageRow& row = explanation.stage;
  switch (row.state) {
    case store::StageState::kCached:
      if (row.cached_from == row.run_id)
        return row.stage + " did not run again: it had finished before in this run";
      return row.stage + " was taken from run " + row.cached_from + ": its stage key" +
             (explanation.taken_from ? " in the domain " + explanation.taken_from->text() : "") +
             " is the same";
    case store::StageState::kPending:
    case store::StageState::kSkipped:
      return row.stage + " did not run" + (row.reason.empty() ? "" : ": " + row.reason);
    default:
      break;
  }
  if (!row.stage_key)
    return row.stage + " has no stage key" + (row.reason.empty() ? "" : ": " + row.reason);
  if (had_finished_before(explanation))
    return row.stage + " ran again because " + why_again(*explanation.nearest);
  return row.stage + " ran because " + reason(explanation);
}

std::string compared_with(const Explanation& explanation) {
  if (had_finished_before(explanation)) return "what it was before in this run";
  return named_run(*explanation.nearest, explanation.stage.stage);
}

}  // namespace stagebox::run
