#include <iostream>

#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/logs/log_reader.h"
#include "runtime/run/run_logs.h"
#include "runtime/run/stored_state.h"

namespace stagebox::cli {
namespace {

using base::Result;
using logs::RecordKind;

bool is_wanted(RecordKind kind, LogsOptions::Streams streams) {
  switch (streams) {
    case LogsOptions::Streams::kBoth:
      return true;
    case LogsOptions::Streams::kStdout:
      return kind == RecordKind::kStdout;
    case LogsOptions::Streams::kStderr:
      return kind == RecordKind::kStderr;
  }
  return false;
}

// What we have to say of a log goes where it cannot be taken for a part of it.
void print_notice(std::string_view text) { std::cerr << "stagebox: note: " << text << '\n'; }

std::string_view text_of(std::span<const std::byte> bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<void> print_log(const std::string& path, LogsOptions::Streams streams) {
  logs::LogReader reader = TRY(logs::LogReader::open(path));
  for (;;) {
    const auto chunk = TRY(reader.next());
    if (!chunk) break;
    if (chunk->kind == RecordKind::kNotice) {
      std::cout << std::flush;
      print_notice(text_of(chunk->bytes));
    } else if (is_wanted(chunk->kind, streams)) {
      std::cout << text_of(chunk->bytes);
    }
  }
  std::cout << std::flush;
  if (reader.state() == logs::LogState::kDamaged)
    print_notice("what follows in the log " + path + " is damaged and cannot be read");
  return {};
}

}  // namespace

Result<int> logs_command(const LogsOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const std::string id = TRY(state.runs().find_run(options.run)).id;
  const store::RunDetails details = TRY(state.runs().show_run(id));
  const std::string path = TRY(run::find_log(details, options.stage, options.attempt));
  TRY(print_log(path, options.streams));
  return kSuccess;
}

}  // namespace stagebox::cli
