#include "scheduler/file/shell_quotes.h"

namespace stagebox::scheduler {

ShellPlace ShellQuotes::place() const {
  switch (state_) {
    case State::kSingle:
      return ShellPlace::kSingleQuotes;
    case State::kComment:
      return ShellPlace::kComment;
    case State::kHereDocument:
      return delimiter_quoted_ ? ShellPlace::kQuotedHereDocument : ShellPlace::kExpands;
    default:
      return escaped_ || last_ == '$' ? ShellPlace::kEscaped : ShellPlace::kExpands;
  }
}

void ShellQuotes::feed(std::string_view text) {
  for (const char c : text) {
    switch (state_) {
      case State::kSingle:
        if (c == '\'') state_ = State::kPlain;
        break;
      case State::kDouble:
        if (!escaped_ && c == '"') state_ = State::kPlain;
        escaped_ = !escaped_ && c == '\\';
        last_ = c;
        break;
      case State::kComment:
        if (c == '\n') end_line();
        break;
      case State::kDelimiter:
        feed_delimiter(c);
        break;
      case State::kHereDocument:
        feed_here_document(c);
        break;
      case State::kPlain:
        feed_plain(c);
        break;
    }
  }
}

void ShellQuotes::feed_plain(char c) {
  const bool escaped = escaped_;
  const bool word_begins = last_ == '\n' || last_ == ' ' || last_ == '\t' || last_ == ';';
  escaped_ = !escaped && c == '\\';
  last_ = c;
  if (escaped) return operators_.clear();
  if (operators_ == "<<" && c != '<') {
    delimiter_.clear();
    delimiter_quoted_ = false;
    delimiter_quote_ = 0;
    operators_.clear();
    state_ = State::kDelimiter;
    if (c != '-') feed_delimiter(c);
    return;
  }
  operators_ = c == '<' ? operators_ + c : "";
  if (c == '\'') state_ = State::kSingle;
  if (c == '"') state_ = State::kDouble;
  if (c == '#' && word_begins) state_ = State::kComment;
  if (c == '\n') end_line();
}

// The word after "<<", which ends at the first unquoted blank or operator.
void ShellQuotes::feed_delimiter(char c) {
  const bool blank = c == ' ' || c == '\t';
  if (delimiter_quote_ != 0) {
    if (c == delimiter_quote_)
      delimiter_quote_ = 0;
    else
      delimiter_ += c;
  } else if (c == '\'' || c == '"' || c == '\\') {
    delimiter_quoted_ = true;
    delimiter_quote_ = c == '\\' ? '\0' : c;
  } else if (blank && delimiter_.empty() && !delimiter_quoted_) {
    return;
  } else if (blank || c == '\n' || c == ';' || c == '|' || c == '&' || c == ')') {
    here_document_next_ = !delimiter_.empty();
    escaped_ = false;
    state_ = State::kPlain;
    feed_plain(c);
  } else {
    delimiter_ += c;
  }
}

void ShellQuotes::end_line() {
  state_ = here_document_next_ ? State::kHereDocument : State::kPlain;
  here_document_next_ = false;
  line_.clear();
  last_ = '\n';
}

void ShellQuotes::feed_here_document(char c) {
  if (c != '\n') {
    // "<<-" removes leading tabs; for other here-documents that only ends this one early.
    if (c != '\t' || !line_.empty()) line_ += c;
    return;
  }
  if (line_ == delimiter_) end_line();
  line_.clear();
}

}  // namespace stagebox::scheduler
