#include "scheduler/file/retry_reader.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "scheduler/file/keys.h"
#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kRetryExample =
    "{attempts: 3, backoff: 2s, on: [infrastructure, exit:75]}";
constexpr std::string_view kExit = "exit:";
constexpr Range<std::uint64_t> kAttempts{1, 100, "the first attempt counts"};
// In the order of RetryOn.
constexpr std::array<std::string_view, 6> kConditions{"failure",        "timeout", "oom",
                                                      "infrastructure", "service", "tests"};

std::optional<RetryOnExit> parse_exit(std::string_view text) {
  if (!text.starts_with(kExit)) return std::nullopt;
  text.remove_prefix(kExit.size());
  RetryOnExit exit;
  const char* first = text.data();
  const char* last = first + text.size();
  const auto [end, error] = std::from_chars(first, last, exit.status);
  if (error != std::errc() || end != last || exit.status < 1 || exit.status > 255)
    return std::nullopt;
  return exit;
}

std::optional<RetryCondition> read_condition(const YamlNode& node, const ValueReader& reader) {
  const auto text = reader.word(node, "each item of `on`", one_of(kConditions));
  if (!text) return std::nullopt;
  for (std::size_t i = 0; i < kConditions.size(); ++i) {
    if (*text == kConditions[i]) return static_cast<RetryOn>(i);
  }
  if (const auto exit = parse_exit(*text)) return *exit;
  const auto nearest = nearest_name(*text, kConditions);
  reader.diagnostics().add(node.position,
                           "each item of `on` must be " + one_of(kConditions) +
                               ", or `exit:` and a status from 1 to " + "255, found " +
                               backquoted(*text),
                           nearest ? "did you mean " + backquoted(*nearest) + "?" : "");
  return std::nullopt;
}

void read_conditions(const YamlNode& node, const ValueReader& reader, Retry& retry) {
  if (!reader.expect_sequence(node, "`on`", "[infrastructure, timeout, exit:75]")) return;
  if (node.items().empty()) {
    reader.diagnostics().add(node.position, "`on` names nothing",
                             "name what is tried again, or write `attempts: 1`");
    return;
  }
  retry.on.clear();
  for (const YamlNode* item : node.items()) {
    if (const auto condition = read_condition(*item, reader)) retry.on.push_back(*condition);
  }
}

}  // namespace

Retry read_retry(const YamlNode& node, const ValueReader& reader) {
  Retry retry;
  if (!reader.expect_mapping(node, "`retry`", kRetryExample)) return retry;
  check_keys(node, kRetryKeys, reader.diagnostics());
  if (const YamlNode* attempts = node.find("attempts")) {
    const auto count = reader.integer(*attempts, "`attempts`", kAttempts);
    retry.attempts = static_cast<unsigned>(count.value_or(retry.attempts));
  }
  if (const YamlNode* backoff = node.find("backoff"))
    retry.backoff = reader.duration(*backoff, "`backoff`").value_or(retry.backoff);
  if (retry.backoff > kMostBackoff) {
    reader.diagnostics().add(node.find("backoff")->position, "`backoff` must be at most 10m",
                             "it doubles with each attempt, and no wait is longer");
  }
  retry.on = {RetryOn::kFailure, RetryOn::kInfrastructure};
  if (const YamlNode* on = node.find("on")) read_conditions(*on, reader, retry);
  return retry;
}

}  // namespace stagebox::scheduler
