// The commands: each carries one Options value out and returns the exit status, or the Error that
// main prints.
#pragma once

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"

namespace stagebox::cli {

base::Result<int> run_command(const RunOptions& options);
base::Result<int> resume_command(const ResumeOptions& options);
base::Result<int> cancel_command(const CancelOptions& options);
base::Result<int> check_command(const CheckOptions& options);
base::Result<int> graph_command(const GraphOptions& options);
base::Result<int> exec_command(const ExecOptions& options);
base::Result<int> shell_command(const ShellOptions& options);
base::Result<int> image_import_command(const ImageImportOptions& options);
base::Result<int> image_list_command(const ImageListOptions& options);
base::Result<int> image_inspect_command(const ImageInspectOptions& options);
base::Result<int> image_verify_command(const ImageVerifyOptions& options);
base::Result<int> image_export_command(const ImageExportOptions& options);
base::Result<int> image_remove_command(const ImageRemoveOptions& options);
base::Result<int> runs_command(const RunsOptions& options);
base::Result<int> show_command(const ShowOptions& options);
base::Result<int> logs_command(const LogsOptions& options);
base::Result<int> tests_command(const TestsOptions& options);
base::Result<int> artifacts_command(const ArtifactsOptions& options);
base::Result<int> explain_command(const ExplainOptions& options);
base::Result<int> doctor_command(const DoctorOptions& options);
base::Result<int> gc_command(const GcOptions& options);
base::Result<int> cache_list_command(const CacheListOptions& options);
base::Result<int> cache_remove_command(const CacheRemoveOptions& options);
base::Result<int> names_command(const NamesOptions& options);
base::Result<int> pin_command(const PinOptions& options);
base::Result<int> completion_command(const CompletionOptions& options);
base::Result<int> manual_command(const ManualOptions& options);

}  // namespace stagebox::cli
