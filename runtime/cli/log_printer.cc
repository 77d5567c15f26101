#include "runtime/cli/log_printer.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

#include "runtime/base/byte_text.h"
#include "runtime/cli/annotation_lines.h"
#include "runtime/cli/time_option.h"
#include "runtime/run/findings/annotation_json.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {

using base::Result;
using logs::RecordKind;
using nlohmann::json;

namespace {

std::size_t index_of(RecordKind kind) { return kind == RecordKind::kStderr ? 1 : 0; }

std::string dumped(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

bool LineChoice::is_wanted(const std::optional<logs::LogTime>& time) const {
  return !time || (time->wall >= since && time->wall < until);
}

bool LineChoice::is_wanted(RecordKind kind) const {
  if (kind == RecordKind::kNotice || streams == LogsOptions::Streams::kBoth) return true;
  return (streams == LogsOptions::Streams::kStderr) == (kind == RecordKind::kStderr);
}

bool LineChoice::is_wanted(const logs::Line& line) const {
  if (!is_wanted(line.kind) || !is_wanted(line.time)) return false;
  return !pattern || pattern->matches(logs::without_sequences(line.text));
}

LogPrinter::Log& LogPrinter::log_of(std::size_t number, const std::string& name) {
  if (logs_.size() <= number) logs_.resize(number + 1);
  std::optional<Log>& log = logs_[number];
  if (log) return *log;
  Log& made = log.emplace();
  made.name = name;
  made.shown.fill(logs::ShownText(form_.showing));
  made.lines = std::make_unique<logs::LineAssembler>(
      [this, number](const logs::Line& line) { return on_line(number, line); });
  return made;
}

void LogPrinter::begin_within(std::size_t log, const std::string& name,
                              const logs::BetweenLines& between_lines) {
  Log& begun = log_of(log, name);
  begun.lines->begin_within(between_lines);
  for (const RecordKind kind : {RecordKind::kStdout, RecordKind::kStderr}) {
    const std::size_t stream = index_of(kind);
    begun.is_unknown.at(stream) = !between_lines.at(stream) && choice_.is_wanted(kind);
  }
  unknown_until_ = count_;
}

bool LogPrinter::knows_last(std::size_t count) const {
  const auto has_unknown = [](const std::optional<Log>& log) {
    return log && (log->is_unknown[0] || log->is_unknown[1]);
  };
  return std::ranges::none_of(logs_, has_unknown) && count_ - unknown_until_ >= count;
}

Result<void> LogPrinter::add(std::size_t log, const std::string& name, const logs::Chunk& chunk) {
  Log& known = log_of(log, name);
  if (chunk.kind != RecordKind::kNotice && form_.kind == LineForm::Kind::kRaw) {
    if (choice_.is_wanted(chunk.kind) && choice_.is_wanted(chunk.time))
      out_ << base::text_of(chunk.bytes);
    return {};
  }
  return known.lines->add(chunk);
}

Result<void> LogPrinter::end(std::size_t log, const std::string& name, logs::LogState state) {
  Log& ended = log_of(log, name);
  TRY(ended.lines->finish());
  if (form_.kind == LineForm::Kind::kAnnotations) print_annotations(ended);
  if (state == logs::LogState::kDamaged)
    note(ended, "what follows in this log is damaged and cannot be read");
  if (tail_ != nullptr)
    ended.is_over = true;
  else
    logs_[log].reset();
  return {};
}

void LogPrinter::show_tail() {
  const LineTail& tail = *tail_;
  for (const HeldLine& held : tail_->take()) print(held.log, held.line(), held.groups);
  tail_ = nullptr;
  for (const std::string& note : std::exchange(held_notes_, {})) write_note(note);
  for (auto& log : logs_) {
    if (!log) continue;
    // What follows of a line that was not shown is not shown either.
    for (std::size_t i = 0; i < log->is_shown.size(); ++i)
      log->is_shown.at(i) = log->is_shown.at(i) && tail.is_last(log->line_number.at(i), count_);
    if (log->is_over) log.reset();
  }
}

// Not where lines of several logs would cut each other, or where a line decides as a whole.
Result<void> LogPrinter::show_begun() {
  const bool may_be_cut =
      form_.kind == LineForm::Kind::kText && !form_.names && !choice_.pattern && tail_ == nullptr;
  if (!may_be_cut) return {};
  for (const auto& log : logs_) {
    if (log) TRY(log->lines->show_begun());
  }
  return {};
}

void LogPrinter::finish() {
  if (form_.names || form_.timestamps) end_line();
  out_ << std::flush;
}

Result<void> LogPrinter::on_line(std::size_t number, const logs::Line& line) {
  Log& log = *logs_[number];
  if (line.kind == RecordKind::kNotice) {
    note(log, line.text);
    return {};
  }
  if (line.is_unknown) {
    if (std::exchange(log.is_unknown.at(index_of(line.kind)), false)) unknown_until_ = count_;
    return {};
  }
  const bool is_structured =
      form_.kind == LineForm::Kind::kAnnotations || form_.kind == LineForm::Kind::kJson;
  bool& is_shown = log.is_shown.at(index_of(line.kind));
  if (line.begins) {
    is_shown = choice_.is_wanted(line);
    if (is_shown) is_shown = ++count_ > skipped_;
    log.line_number.at(index_of(line.kind)) = count_;
  }
  // Groups reach beyond the lines that are wanted.
  if (is_structured && (is_shown || form_.kind == LineForm::Kind::kJson)) log.annotations.add(line);
  if (!is_shown) return {};
  if (tail_ == nullptr) {
    print(number, line, log.annotations.groups());
  } else {
    tail_->add({number, log.line_number.at(index_of(line.kind)), line.kind, line.time,
                std::string(line.text), line.begins, line.ends, log.annotations.groups()});
  }
  return {};
}

void LogPrinter::print(std::size_t number, const logs::Line& line,
                       const std::vector<std::string>& groups) {
  if (form_.kind == LineForm::Kind::kText) print_text(number, line);
  if (form_.kind == LineForm::Kind::kJson) print_json(*logs_[number], line, groups);
}

void LogPrinter::print_text(std::size_t number, const logs::Line& line) {
  Log& log = *logs_[number];
  const auto place = std::pair(number, line.kind);
  if (line.begins || unfinished_ != place) {
    end_line();
    if (form_.timestamps) out_ << (line.time ? format_time(line.time->wall) : "-") << ' ';
    if (form_.names) out_ << scheduler::escape_controls(log.name) << " | ";
  }
  std::string text;
  log.shown.at(index_of(line.kind)).append(text, line.text);
  out_ << text;
  if (line.ends) out_ << '\n';
  unfinished_ = line.ends ? std::nullopt : std::optional(place);
}

void LogPrinter::end_line() {
  if (unfinished_) out_ << '\n';
  unfinished_.reset();
}

void LogPrinter::print_json(const Log& log, const logs::Line& line,
                            const std::vector<std::string>& groups) {
  json document{{"stage", log.name},
                {"stream", line.kind == RecordKind::kStderr ? "stderr" : "stdout"},
                {"text", logs::without_sequences(line.text)}};
  if (line.time) {
    document["time"] = format_time(line.time->wall);
    document["wall_ns"] = line.time->wall;
    document["monotonic_ns"] = line.time->monotonic;
  }
  if (!line.begins) document["continues"] = true;
  if (!line.ends) document["unfinished"] = true;
  if (!groups.empty()) document["groups"] = groups;
  out_ << dumped(document);
}

void LogPrinter::print_annotations(const Log& log) {
  for (const logs::Annotation& annotation : log.annotations.list()) {
    if (form_.is_json) {
      json document = json::parse(run::annotation_json(annotation));
      document["stage"] = log.name;
      out_ << dumped(document);
    } else {
      if (form_.names) out_ << scheduler::escape_controls(log.name) << " | ";
      out_ << annotation_text(annotation) << '\n';
    }
  }
  if (log.annotations.dropped() > 0)
    note(log, std::to_string(log.annotations.dropped()) + " further annotations are not listed");
}

// Where it cannot be taken for something that the stage wrote.
void LogPrinter::note(const Log& log, std::string_view text) {
  std::string told = form_.names ? scheduler::escape_controls(log.name) + ": " : "";
  told += scheduler::escape_controls(text);
  if (tail_ == nullptr)
    write_note(told);
  else
    held_notes_.push_back(std::move(told));
}

void LogPrinter::write_note(const std::string& text) {
  out_ << std::flush;
  notes_ << "stagebox: note: " << text << '\n' << std::flush;
}

}  // namespace stagebox::cli
