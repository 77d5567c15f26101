#include "runtime/run/memo_writer.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/run/memo/memo_check.h"
#include "runtime/run/memo/memo_machine.h"
#include "runtime/run/memo/memo_store.h"
#include "runtime/store/action_cache.h"
#include "runtime/store/content/verified_blobs.h"

namespace stagebox::run {
namespace {

using scheduler::StageState;
using store::EntryStamp;

/// What changed less than this before the run could change again without a trace: also the
/// resolution of the coarsest file systems (FAT).
constexpr std::int64_t kRacy = 2'000'000'000;  // ns

bool is_older(const MemoPlace& place, std::int64_t time) {
  return !place.stamp || place.stamp->is_older_than(time);
}

}  // namespace

MemoBeginning begin_memo(std::string question, const std::vector<std::string>& files,
                         const std::string& project) {
  MemoBeginning beginning{std::move(question), MemoClock::now(), {}, {}};
  constexpr int kNoProject = -1;
  for (const std::string& file : files) {
    MemoPlace place{MemoPlace::Root::kHost, file, {}};
    place.stamp = stamp_at(place, kNoProject);
    beginning.places.push_back(std::move(place));
  }
  beginning.project = {MemoPlace::Root::kHost, project, {}};
  beginning.project.stamp = stamp_at(beginning.project, kNoProject);
  return beginning;
}

MemoWriter::MemoWriter(MemoBeginning beginning, std::string warning, LocalEngine& engine,
                       RunListener& next)
    : engine_(engine), next_(next) {
  memo_.question = std::move(beginning.question);
  memo_.clock = beginning.clock;
  memo_.places = std::move(beginning.places);
  memo_.project = std::move(beginning.project);
  memo_.warning = std::move(warning);
}

void MemoWriter::on_run_started(const std::string& run_id) {
  memo_.run_id = run_id;
  next_.on_run_started(run_id);
}

void MemoWriter::on_stage(const scheduler::PlannedStage& stage,
                          const scheduler::StageOutcome& outcome, const StageRecord* record,
                          std::chrono::milliseconds elapsed) {
  if (possible_ && outcome.state != StageState::kReady) {
    MemoStage told;
    told.id = stage.stage.id;
    told.detail = outcome.detail;
    told.is_skipped = outcome.state == StageState::kSkipped;
    const bool cached = outcome.state == StageState::kCached && record != nullptr;
    possible_ = told.is_skipped || (cached && add_cached(*record));
    if (cached && record->coverage) told.coverage = record->coverage->report;
    if (cached && record->summary) told.summary = record->summary->report;
    if (possible_) memo_.stages.push_back(std::move(told));
  }
  next_.on_stage(stage, outcome, record, elapsed);
}

void MemoWriter::on_run_finished(const scheduler::RunSummary& summary,
                                 std::chrono::milliseconds elapsed) {
  next_.on_run_finished(summary, elapsed);
}

bool MemoWriter::add_cached(const StageRecord& record) {
  if (!record.record_stamp) return false;
  memo_.state_files.push_back({store::ActionCache::path_of(record.key), *record.record_stamp});
  if (!record.log_path.empty() && !add_log(record.log_path)) return false;
  const auto is_listed = [this](const auto& told) {
    return !told || engine_.content().list_blob(told->report.blob.digest, files_);
  };
  if (!is_listed(record.tests) || !is_listed(record.coverage) || !is_listed(record.summary))
    return false;
  memo_.shared.has_outputs = memo_.shared.has_outputs || !record.outputs.empty();
  return std::ranges::all_of(record.outputs, [this](const store::StoredOutput& output) {
    return engine_.content().list_files(output, files_);
  });
}

bool MemoWriter::add_log(const std::string& path) {
  const std::string home = engine_.home().path() + "/";
  return path.starts_with(home) && add_file(path.substr(home.size()), memo_.state_files);
}

bool MemoWriter::add_file(const std::string& path, std::vector<MemoStateFile>& files) const {
  const auto status = base::stat_at(engine_.home().fd(), path);
  if (status.ok()) files.push_back({path, EntryStamp::of(*status)});
  return status.ok();
}

void MemoWriter::look_at_archives(const scheduler::Pipeline& pipeline, int project_fd) {
  for (const scheduler::Image& image : pipeline.images) {
    const auto* tarball = std::get_if<scheduler::TarballImage>(&image.source);
    if (tarball == nullptr) continue;
    const std::string path = memo_.project.path + "/" + tarball->path.display();
    // A layout directory is decided by its index; see ImageImporter::stamp().
    for (const std::string& place : {path, path + "/index.json"})
      inputs_.look(MemoPlace::Root::kHost, place, project_fd);
  }
}

// What was looked at before the run: something else can have been put in its place, as old as it.
bool MemoWriter::are_unchanged(int project_fd) const {
  return std::ranges::all_of(memo_.places, [&](const MemoPlace& place) {
    return stamp_at(place, project_fd) == place.stamp;
  });
}

bool MemoWriter::add_images(const Ended& ended) {
  for (const auto& [name, open] : ended.images.opened()) {
    const scheduler::Image* declared = ended.pipeline.find_image(name);
    if (declared == nullptr) return false;
    const bool there = std::ranges::all_of(
        engine_.images().files_of(open->image),
        [this](const std::string& file) { return add_file(file, image_files_); });
    if (!there) return false;
    if (std::holds_alternative<scheduler::TarballImage>(declared->source)) continue;
    // Not for a digest or the beginning of one: what that means depends on all images there are.
    const auto& stored = std::get<scheduler::StoredImage>(declared->source);
    const std::string named = images::ImageStore::file_of_name(stored.name);
    if (!add_file(named, memo_.state_files)) return false;
  }
  return true;
}

// That it is there was looked at before the run, where the stage's `if` was true.
void MemoWriter::look_at_skipped(const Ended& ended) {
  std::set<std::string_view> skipped;
  for (const MemoStage& stage : memo_.stages) {
    if (stage.is_skipped) skipped.insert(stage.id);
  }
  for (const scheduler::PlannedStage& planned : ended.plan.stages()) {
    if (!skipped.contains(planned.stage.id) || !planned.stage.condition) continue;
    for (const scheduler::Input& input : planned.stage.inputs) {
      const auto* host = std::get_if<scheduler::HostPath>(&input.source);
      if (host == nullptr) continue;
      inputs_.look(MemoPlace::Root::kProject, host->path.display(), ended.project_fd);
    }
  }
}

bool MemoWriter::is_settled() const {
  const std::int64_t time = memo_.clock.time - kRacy;
  const auto older = [time](const auto& place) { return is_older(place, time); };
  const auto walk_older = [time](const MemoWalk& walk) {
    return !walk.dirs.empty() && store::are_older_than(walk.dirs, time);
  };
  const auto file_older = [time](const MemoStateFile& file) {
    return file.stamp.is_older_than(time);
  };
  return memo_.project.stamp && memo_.clock.goes_with(MemoClock::now()) &&
         std::ranges::all_of(memo_.places, older) && std::ranges::all_of(memo_.walks, walk_older) &&
         std::ranges::all_of(memo_.state_files, file_older);
}

void MemoWriter::finish(const Ended& ended) {
  if (!possible_ || memo_.stages.size() != ended.plan.size() || !add_images(ended)) return;
  const auto boot = store::boot_id();
  const auto run = engine_.runs().find_run(memo_.run_id);
  if (!boot.ok() || !run.ok() || run->state != store::RunState::kSucceeded) return;
  look_at_skipped(ended);
  look_at_archives(ended.pipeline, ended.project_fd);
  if (!inputs_.is_consistent() || !are_unchanged(ended.project_fd)) return;
  memo_.boot = *boot;
  if (depends_on_machine(ended.plan)) memo_.machine = machine_text();
  const auto places = inputs_.take_places();
  memo_.places.insert(memo_.places.end(), places.begin(), places.end());
  memo_.walks = inputs_.take_walks();
  for (const auto& [name, stamp] : files_) memo_.blobs.push_back({name.first, name.second, stamp});
  memo_.pipeline = ended.pipeline.name;
  memo_.file = run->file;
  memo_.shared.ended_at = run->ended_at.value_or(run->started_at);
  if (!is_settled()) return;
  // Named by their content: what is young of them is no other than what it was.
  memo_.state_files.insert(memo_.state_files.end(), image_files_.begin(), image_files_.end());
  (void)save_memo(engine_.home(), memo_);
}

}  // namespace stagebox::run
