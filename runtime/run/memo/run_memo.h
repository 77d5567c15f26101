// RunMemo: why a run in which nothing had to run would end in the same way again, and how it ended.
// It is all that such a run looked at, with the stamps that it had then, and what the run told of
// its stages. While the stamps are the same, a run that asks the same question is answered from it:
// nothing is parsed, planned, walked, read or hashed. Plain values, and their encoding;
// memo_check.h compares them with what is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/content/entry_stamp.h"
#include "runtime/store/content/walk_witness.h"
#include "runtime/store/runs/run_types.h"
#include "runtime/store/stage_result.h"

namespace stagebox::run {

/// When something was found, by clocks that show whether somebody set the time in between: change
/// times say nothing then.
struct MemoClock {
  std::int64_t time = 0;    ///< ns since the epoch
  std::int64_t offset = 0;  ///< ns from the start of the machine to `time`, less those since then

  static MemoClock now();
  /// Whether nobody set the time between the two; small corrections are none.
  [[nodiscard]] bool goes_with(const MemoClock& later) const;
  bool operator==(const MemoClock&) const = default;
};

/// One thing that was looked at by its name.
struct MemoPlace {
  enum class Root : std::uint8_t {
    kHost,          ///< An absolute path of this machine's; links are followed.
    kProject,       ///< Below the pipeline file's directory; links are followed beneath it.
    kProjectNoLink  ///< The same; a link counts as nothing.
  };
  Root root = Root::kHost;
  std::string path;
  std::optional<store::EntryStamp> stamp;  ///< None: nothing was there.
  bool operator==(const MemoPlace&) const = default;
};

/// An input directory.
struct MemoWalk {
  std::string path;  ///< Below the pipeline file's directory.
  std::vector<store::WalkWitness::Dir> dirs;
  bool operator==(const MemoWalk&) const = default;
};

/// A file or directory of the state directory.
struct MemoStateFile {
  std::string path;
  store::EntryStamp stamp;
  bool operator==(const MemoStateFile&) const = default;
};

/// A blob of the content store.
struct MemoBlob {
  base::Digest digest;
  store::Executable executable = store::Executable::kNo;
  store::EntryStamp stamp;
  bool operator==(const MemoBlob&) const = default;
};

/// What was told of a stage.
struct MemoStage {
  std::string id;
  bool is_skipped = false;  ///< Else it was taken from the cache.
  std::string detail;
  /// What it is compared with is looked up when it is told.
  std::optional<store::CoverageRef> coverage = {};
  std::optional<store::SummaryRef> summary = {};
  bool operator==(const MemoStage&) const = default;
};

struct RunMemo {
  /// Everything that the command said, and who asked; compared byte for byte.
  std::string question;
  std::string boot;     ///< store::boot_id()
  MemoClock clock;      ///< when the run began
  std::string machine;  ///< what was decided by the machine's size, as machine_text() has it
  MemoPlace project;    ///< kHost; only device and inode of the stamp count
  std::vector<MemoPlace> places;
  std::vector<MemoWalk> walks;
  std::vector<MemoStateFile> state_files;  ///< documents and layers of images, records of results
  std::vector<MemoBlob> blobs;
  // What is told and recorded again.
  std::vector<MemoStage> stages;  ///< in the order in which they were told
  std::string pipeline;
  std::string file;     ///< as store::RunRecord has it
  std::string warning;  ///< of stderr; empty: none
  std::string run_id;   ///< of the run that has the stages
  store::SharedStages shared;

  bool operator==(const RunMemo&) const = default;
};

/// With a version and a checksum.
std::string encode_memo(const RunMemo& memo);
/// Nothing for all that encode_memo() did not make: another version, damage, an unfinished file.
std::optional<RunMemo> decode_memo(std::string_view bytes);

}  // namespace stagebox::run
