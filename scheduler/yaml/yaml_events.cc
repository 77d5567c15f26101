#include "scheduler/yaml/yaml_events.h"

#include <string>

namespace stagebox::scheduler {
namespace {

std::string_view or_empty(const char* text) { return text == nullptr ? "" : text; }

// libyaml names the rule that broke; this names what people did to break it.
std::string_view usual_cause(std::string_view problem, std::string_view context) {
  if (problem.find("mapping values are not allowed") != std::string_view::npos)
    return "a text that contains `: ` needs quotes, and a key must stand as deep as its neighbours";
  if (context.find("quoted scalar") != std::string_view::npos) return "is a closing quote missing?";
  if (problem.find("expected ':'") != std::string_view::npos)
    return "write `key: value`, with a space after the colon";
  if (problem.find("cannot start any token") != std::string_view::npos)
    return "put the text into quotes";
  if (context.find("flow") != std::string_view::npos)
    return "is a comma or a closing bracket missing?";
  if (context.find("block") != std::string_view::npos)
    return "check the indentation: neighbours must stand in the same column";
  return "";
}

}  // namespace

YamlEvents::YamlEvents(std::string_view text)
    : source_(text), initialized_(yaml_parser_initialize(&parser_) != 0) {
  if (!initialized_) return;
  yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  // libyaml's characters are unsigned; the bytes are the same.
  yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
}

YamlEvents::~YamlEvents() {
  if (initialized_) yaml_parser_delete(&parser_);
}

Position YamlEvents::position(const yaml_mark_t& mark) const {
  const Position position{mark.line + 1, mark.column + 1};
  // Not always: counting the characters of one long line for each event would take too long.
  return position.line > source_.lines() ? source_.clamp({source_.lines(), std::string_view::npos})
                                         : position;
}

bool YamlEvents::next(YamlEvent& event, Diagnostics& diagnostics) {
  if (initialized_ && yaml_parser_parse(&parser_, event.raw()) != 0) return true;
  report(diagnostics);
  return false;
}

void YamlEvents::report(Diagnostics& diagnostics) const {
  if (!initialized_ || parser_.error == YAML_MEMORY_ERROR) {
    diagnostics.add({1, 1}, "there is not enough memory to read the file");
    return;
  }
  if (parser_.error == YAML_READER_ERROR) {
    diagnostics.add(source_.position_of(parser_.problem_offset),
                    "this is not valid YAML: " + std::string(or_empty(parser_.problem)));
    return;
  }
  const Position at = source_.clamp(position(parser_.problem_mark));
  if (source_.byte_at(at) == '\t') {
    diagnostics.add(at, "found a tab where YAML allows only spaces", "indent with spaces");
    return;
  }
  const std::string_view context = or_empty(parser_.context);
  std::string message = "this is not valid YAML: " + std::string(or_empty(parser_.problem));
  if (!context.empty()) {
    message += " " + std::string(context);
    const Position begin = position(parser_.context_mark);
    if (begin.line != at.line) message += " that begins in line " + std::to_string(begin.line);
  }
  diagnostics.add(at, message, usual_cause(or_empty(parser_.problem), context));
}

}  // namespace stagebox::scheduler
