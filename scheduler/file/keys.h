// Keys: which keys each mapping of the pipeline file may have, which are defined but not built yet,
// and what other tools call them. The published schema lists the same keys; a test compares them.
#pragma once

#include <span>
#include <string_view>

#include "scheduler/diagnostics.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// What another tool calls one of our keys.
struct ForeignKey {
  std::string_view theirs;
  std::string_view ours;
};

struct KeySet {
  std::string_view owner;  ///< For messages: "a stage".
  std::span<const std::string_view> known;
  std::span<const std::string_view> planned;  ///< Part of the format, not of this version.
  std::span<const ForeignKey> foreign;
  /// Keys that belong elsewhere, and the sentence that says where.
  std::span<const std::string_view> misplaced;
  std::string_view misplaced_hint;
};

extern const KeySet kPipelineKeys;
extern const KeySet kParamKeys;
extern const KeySet kImageKeys;
extern const KeySet kDefaultsKeys;
extern const KeySet kStageKeys;
extern const KeySet kInputKeys;
extern const KeySet kOutputKeys;
extern const KeySet kResourceKeys;
extern const KeySet kNetworkKeys;
extern const KeySet kAllowFailureKeys;
extern const KeySet kCacheKeys;   ///< Of `cache`.
extern const KeySet kCachesKeys;  ///< Of one of `caches`.
extern const KeySet kMutexKeys;   ///< Of a mapping in `mutex`.
extern const KeySet kRetryKeys;
extern const KeySet kSecretKeys;
extern const KeySet kServiceKeys;
extern const KeySet kReadyKeys;
extern const KeySet kTestsKeys;
extern const KeySet kCoverageKeys;

/// Reports every key of `mapping` that is not in `keys`.
void check_keys(const YamlNode& mapping, const KeySet& keys, Diagnostics& diagnostics);
/// The message for what product and schema know and this version does not do.
void report_unsupported(Position position, std::string_view what, Diagnostics& diagnostics);

}  // namespace stagebox::scheduler
