#include "runtime/run/output_capture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/base/files.h"
#include "runtime/base/units.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using scheduler::OutputType;

std::string named(const scheduler::Output& output) {
  return "output \"" + output.name + "\" (" + output.path.str() + ")";
}

// Why it could not be opened, in the words of the one who wrote the pipeline.
std::string open_problem(const scheduler::Output& output, const base::Error& error) {
  switch (error.errno_value) {
    case ENOENT:
    case ENOTDIR:
      return named(output) + " is missing: the stage did not make it";
    case ELOOP:
      return named(output) + " is a symbolic link or lies below one; outputs are not followed";
    default:
      return named(output) + " cannot be opened: " + error.message;
  }
}

bool is_stages_fault(const base::Error& error) { return error.kind == base::ErrorKind::kInvalid; }

class OutputCapturer {
 public:
  OutputCapturer(const WorkspaceView& workspace, store::ContentStore& store,
                 std::uint64_t max_files)
      : workspace_(workspace), store_(store), max_files_(max_files) {}

  Result<void> capture(const scheduler::Output& output) {
    // O_NONBLOCK: a FIFO must not hold us up. The descriptor is looked at before anything is read.
    constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
    const WorkspaceView::Place place = workspace_.find(output.path);
    auto opened =
        base::open_beneath(place.directory, place.path.display(), kFlags, base::Links::kRefuse);
    if (!opened.ok()) {
      capture_.problems.push_back(open_problem(output, opened.error()));
      return {};
    }
    const struct stat status = TRY(base::stat_fd(opened->get()));
    if (S_ISDIR(status.st_mode)) return capture_directory(output, opened->get());
    if (S_ISREG(status.st_mode)) return capture_file(output, opened->get(), status);
    capture_.problems.push_back(named(output) + " is neither a file nor a directory");
    return {};
  }

  Capture take() { return std::move(capture_); }

 private:
  Result<void> capture_file(const scheduler::Output& output, int fd, const struct stat& status) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (output.type == OutputType::kDirectory) {
      capture_.problems.push_back(named(output) + " is a file, but a directory was declared");
      return {};
    }
    if (too_large(output, size) || too_many(output, 1)) return {};
    const auto executable =
        (status.st_mode & S_IXUSR) != 0 ? store::Executable::kYes : store::Executable::kNo;
    const store::BlobRef blob = TRY(store_.put_file(fd, executable));
    capture_.outputs.push_back({output.name, output.path, store::OutputKind::kFile, blob.digest,
                                blob.size, executable, blob.size});
    return {};
  }

  Result<void> capture_directory(const scheduler::Output& output, int fd) {
    if (output.type == OutputType::kFile) {
      capture_.problems.push_back(named(output) + " is a directory, but a file was declared");
      return {};
    }
    store::TreeOptions options;
    if (output.max_size) options.max_bytes = *output.max_size;
    options.max_entries = max_files_ - files_;
    const auto tree = store_.put_tree(fd, options);
    if (!tree.ok()) {
      if (!is_stages_fault(tree.error()))
        return tree.error().with_context("store the " + named(output));
      capture_.problems.push_back(named(output) + ": " + tree.error().message);
      return {};
    }
    if (too_large(output, tree->bytes) || too_many(output, tree->files)) return {};
    capture_.outputs.push_back({output.name, output.path, store::OutputKind::kDirectory, tree->root,
                                tree->size, store::Executable::kNo, tree->bytes});
    return {};
  }

  bool too_large(const scheduler::Output& output, std::uint64_t size) {
    if (!output.max_size || size <= *output.max_size) return false;
    capture_.problems.push_back(named(output) + " has " + base::format_bytes(size) +
                                ", more than its max_size of " +
                                base::format_bytes(*output.max_size));
    return true;
  }

  bool too_many(const scheduler::Output& output, std::uint64_t files) {
    files_ += files;
    if (files_ <= max_files_) return false;
    files_ = max_files_;
    capture_.problems.push_back("the outputs up to " + named(output) + " have more than " +
                                std::to_string(max_files_) + " files (resources.outputs)");
    return true;
  }

  const WorkspaceView& workspace_;
  store::ContentStore& store_;
  std::uint64_t max_files_;
  std::uint64_t files_ = 0;  ///< Taken so far.
  Capture capture_;
};

}  // namespace

Result<Capture> capture_outputs(const std::vector<scheduler::Output>& outputs,
                                const WorkspaceView& workspace, store::ContentStore& store,
                                std::uint64_t max_files) {
  OutputCapturer capturer(workspace, store, max_files);
  for (const scheduler::Output& output : outputs) TRY(capturer.capture(output));
  return capturer.take();
}

}  // namespace stagebox::run
