#include "runtime/run/output_capture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/shortage.h"
#include "runtime/base/units.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using scheduler::OutputType;

std::string named(const scheduler::Output& output) {
  return "output \"" + output.name + "\" (" + output.path.str() + ")";
}

bool is_missing(const base::Error& error) {
  return error.errno_value == ENOENT || error.errno_value == ENOTDIR;
}

// Why it could not be opened, in the words of the one who wrote the pipeline.
std::string open_problem(const scheduler::Output& output, const base::Error& error) {
  if (is_missing(error)) return named(output) + " is missing: it was not made";
  if (error.errno_value == ELOOP)
    return named(output) + " is a symbolic link or lies below one; outputs are not followed";
  return named(output) + " cannot be opened: " + error.message;
}

bool is_stages_fault(const base::Error& error) { return error.kind == base::ErrorKind::kInvalid; }

class OutputCapturer {
 public:
  OutputCapturer(const WorkspaceView& workspace, store::ContentStore& store,
                 const CaptureOptions& options)
      : workspace_(workspace), store_(store), options_(options) {}

  /// Whether it could be taken, as far as that can be told without reading it.
  Result<void> survey(const scheduler::Output& output) { return visit(output, Pass::kSurvey); }
  Result<void> take(const scheduler::Output& output) { return visit(output, Pass::kTake); }

  [[nodiscard]] bool has_problems() const { return !capture_.problems.empty(); }
  Capture result() { return std::move(capture_); }

 private:
  enum class Pass { kSurvey, kTake };

  Result<void> visit(const scheduler::Output& output, Pass pass) {
    // O_NONBLOCK: a FIFO must not hold us up. The descriptor is looked at before anything is read.
    constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
    const WorkspaceView::Place place = workspace_.find(output.path);
    const auto opened =
        base::open_beneath(place.directory, place.path.display(), kFlags, base::Links::kRefuse);
    if (!opened.ok()) {
      if (base::is_shortage(opened.error().errno_value))
        return opened.error().with_context(named(output));
      if (!is_missing(opened.error()) || options_.missing == CaptureOptions::Missing::kIsProblem)
        capture_.problems.push_back(open_problem(output, opened.error()));
      return {};
    }
    const struct stat status = TRY(base::stat_fd(opened->get()));
    if (S_ISDIR(status.st_mode)) return visit_directory(output, opened->get(), pass);
    if (S_ISREG(status.st_mode)) return visit_file(output, place, opened->get(), status, pass);
    capture_.problems.push_back(named(output) + " is neither a file nor a directory");
    return {};
  }

  Result<void> visit_file(const scheduler::Output& output, const WorkspaceView::Place& place,
                          int fd, const struct stat& status, Pass pass) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (output.type == OutputType::kDirectory) {
      capture_.problems.push_back(named(output) + " is a file, but a directory was declared");
      return {};
    }
    const store::CopyBounds bounds{.bytes = room_for(output), .stop = options_.stop};
    if (too_large(output, size) || too_many(output, 1)) return {};
    const auto executable =
        (status.st_mode & S_IXUSR) != 0 ? store::Executable::kYes : store::Executable::kNo;
    if (pass == Pass::kSurvey) return {};
    const bool take = options_.source_files == store::SourceFiles::kTaken;
    const auto blob =
        take ? store_.take_file(place.directory, place.path.str(), fd, executable, bounds)
             : store_.put_file(fd, executable, bounds);
    if (!blob.ok()) return refused(output, blob.error());
    capture_.outputs.push_back({output.name, output.path, store::OutputKind::kFile, blob->digest,
                                blob->size, executable, blob->size});
    return {};
  }

  Result<void> visit_directory(const scheduler::Output& output, int fd, Pass pass) {
    if (output.type == OutputType::kFile) {
      capture_.problems.push_back(named(output) + " is a directory, but a file was declared");
      return {};
    }
    store::TreeOptions options;
    options.max_bytes = room_for(output);
    options.max_entries = options_.max_files - files_;
    options.max_entries_name = "resources.outputs";
    options.source_files = options_.source_files;
    options.stop = options_.stop;
    if (pass == Pass::kSurvey) {
      const auto size = store_.survey_tree(fd, options);
      if (!size.ok()) return refused(output, size.error());
      (void)(too_large(output, size->bytes) || too_many(output, size->files));
      return {};
    }
    const auto tree = store_.put_tree(fd, options);
    if (!tree.ok()) return refused(output, tree.error());
    if (too_large(output, tree->bytes) || too_many(output, tree->files)) return {};
    capture_.outputs.push_back({output.name, output.path, store::OutputKind::kDirectory, tree->root,
                                tree->size, store::Executable::kNo, tree->bytes});
    return {};
  }

  Result<void> refused(const scheduler::Output& output, const base::Error& error) {
    if (!is_stages_fault(error)) return error.with_context("store the " + named(output));
    capture_.problems.push_back(named(output) + ": " + error.message);
    return {};
  }

  // As far as what was taken before leaves room.
  [[nodiscard]] std::uint64_t room_for(const scheduler::Output& output) const {
    return output.max_size.value_or(kDefaultMaxOutputBytes - bytes_);
  }

  bool too_large(const scheduler::Output& output, std::uint64_t size) {
    if (size <= room_for(output)) {
      if (!output.max_size) bytes_ += size;
      return false;
    }
    const std::string limit = output.max_size
                                  ? "its max_size of " + base::format_bytes(*output.max_size)
                                  : "outputs without a max_size may have together, " +
                                        base::format_bytes(kDefaultMaxOutputBytes);
    capture_.problems.push_back(named(output) + " has " + base::format_bytes(size) +
                                ", more than " + limit);
    return true;
  }

  bool too_many(const scheduler::Output& output, std::uint64_t files) {
    files_ += files;
    if (files_ <= options_.max_files) return false;
    files_ = options_.max_files;
    capture_.problems.push_back("the outputs up to " + named(output) + " have more than " +
                                std::to_string(options_.max_files) + " files (resources.outputs)");
    return true;
  }

  const WorkspaceView& workspace_;
  store::ContentStore& store_;
  const CaptureOptions& options_;
  std::uint64_t files_ = 0;  ///< Taken so far.
  std::uint64_t bytes_ = 0;  ///< The same of outputs without a max_size.
  Capture capture_;
};

}  // namespace

Result<Capture> capture_outputs(const std::vector<scheduler::Output>& outputs,
                                const WorkspaceView& workspace, store::ContentStore& store,
                                const CaptureOptions& options) {
  // A single one is surveyed while it is taken.
  if (options.source_files == store::SourceFiles::kTaken && outputs.size() > 1) {
    OutputCapturer survey(workspace, store, options);
    for (const scheduler::Output& output : outputs) TRY(survey.survey(output));
    if (survey.has_problems()) return survey.result();
  }
  OutputCapturer capturer(workspace, store, options);
  for (const scheduler::Output& output : outputs) TRY(capturer.take(output));
  return capturer.result();
}

}  // namespace stagebox::run
