#include <csignal>
#include <exception>
#include <iostream>
#include <string_view>

#include "runtime/base/full_disk.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/standard_descriptors.h"
#include "runtime/cli/standard_output.h"

namespace stagebox::cli {
namespace {

struct Dispatch {
  base::Result<int> operator()(const PrintAndExit& print) const {
    std::cout << print.text;
    return kSuccess;
  }
  base::Result<int> operator()(const RunOptions& options) const { return run_command(options); }
  base::Result<int> operator()(const ResumeOptions& options) const {
    return resume_command(options);
  }
  base::Result<int> operator()(const CancelOptions& options) const {
    return cancel_command(options);
  }
  base::Result<int> operator()(const CheckOptions& options) const { return check_command(options); }
  base::Result<int> operator()(const GraphOptions& options) const { return graph_command(options); }
  base::Result<int> operator()(const ExecOptions& options) const { return exec_command(options); }
  base::Result<int> operator()(const ShellOptions& options) const { return shell_command(options); }
  base::Result<int> operator()(const ImageImportOptions& options) const {
    return image_import_command(options);
  }
  base::Result<int> operator()(const ImageListOptions& options) const {
    return image_list_command(options);
  }
  base::Result<int> operator()(const ImageInspectOptions& options) const {
    return image_inspect_command(options);
  }
  base::Result<int> operator()(const ImageVerifyOptions& options) const {
    return image_verify_command(options);
  }
  base::Result<int> operator()(const ImageExportOptions& options) const {
    return image_export_command(options);
  }
  base::Result<int> operator()(const ImageRemoveOptions& options) const {
    return image_remove_command(options);
  }
  base::Result<int> operator()(const RunsOptions& options) const { return runs_command(options); }
  base::Result<int> operator()(const ShowOptions& options) const { return show_command(options); }
  base::Result<int> operator()(const LogsOptions& options) const { return logs_command(options); }
  base::Result<int> operator()(const ArtifactsOptions& options) const {
    return artifacts_command(options);
  }
  base::Result<int> operator()(const ExplainOptions& options) const {
    return explain_command(options);
  }
  base::Result<int> operator()(const DoctorOptions& options) const {
    return doctor_command(options);
  }
  base::Result<int> operator()(const GcOptions& options) const { return gc_command(options); }
  base::Result<int> operator()(const CacheListOptions& options) const {
    return cache_list_command(options);
  }
  base::Result<int> operator()(const CacheRemoveOptions& options) const {
    return cache_remove_command(options);
  }
  base::Result<int> operator()(const TestsOptions& options) const { return tests_command(options); }
  base::Result<int> operator()(const NamesOptions& options) const { return names_command(options); }
  base::Result<int> operator()(const PinOptions& options) const { return pin_command(options); }
  base::Result<int> operator()(const CompletionOptions& options) const {
    return completion_command(options);
  }
  base::Result<int> operator()(const ManualOptions& options) const {
    return manual_command(options);
  }
};

// Whether a command ends as what runs in its sandbox does; also of a command line with mistakes.
bool has_status_of_another(int argc, const char* const* argv) {
  if (argc < 2) return false;
  const std::string_view command = argv[1];
  return command == "exec" || command == "shell";
}

int status_of(const base::Error& error, int argc, const char* const* argv) {
  return has_status_of_another(argc, argv) ? kExecFailure : exit_status(error);
}

int run_command_line(int argc, const char* const* argv) {
  const auto options = parse_options(argc, argv);
  const auto status =
      options.ok() ? std::visit(Dispatch{}, *options) : base::Result<int>(options.error());
  std::cout.flush();
  if (status.ok()) return *status;
  std::cerr << "stagebox: " << base::with_remedy(status.error()) << '\n';
  return status_of(status.error(), argc, argv);
}

// What nobody could read has not been told, so that is no success.
int run_main(int argc, const char* const* argv) {
  StandardOutput output;
  const int status = run_command_line(argc, argv);
  const auto written = output.finish();
  if (written.ok()) return status;
  std::cerr << "stagebox: " << written.error().message << '\n';
  return status == kSuccess ? status_of(written.error(), argc, argv) : status;
}

}  // namespace
}  // namespace stagebox::cli

int main(int argc, char** argv) {
  // Where the caller limits the size of files, the write fails, and what it was for can be told.
  (void)::signal(SIGXFSZ, SIG_IGN);
  stagebox::cli::open_missing_standard_descriptors();
  try {
    return stagebox::cli::run_main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "stagebox: unexpected failure: " << error.what() << '\n';
    return stagebox::cli::kOurFailure;
  }
}
