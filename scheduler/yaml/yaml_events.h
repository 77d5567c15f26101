// YamlEvents: libyaml's stream of events with owners for its memory, our positions, and its
// complaints said so that they help. Internal to yaml_document.cc; nobody else includes it.
#pragma once

#include <yaml.h>

#include <string_view>

#include "scheduler/diagnostics.h"
#include "scheduler/yaml/source_text.h"

namespace stagebox::scheduler {

class YamlEvent {
 public:
  YamlEvent() = default;
  YamlEvent(const YamlEvent&) = delete;
  YamlEvent& operator=(const YamlEvent&) = delete;
  ~YamlEvent() { yaml_event_delete(&event_); }

  yaml_event_t* raw() { return &event_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  yaml_event_t event_{};
};

class YamlEvents {
 public:
  /// `text` is checked UTF-8 without a byte order mark and outlives this.
  explicit YamlEvents(std::string_view text);
  YamlEvents(const YamlEvents&) = delete;
  YamlEvents& operator=(const YamlEvents&) = delete;
  ~YamlEvents();

  /// False at a syntax error, which is then in `diagnostics`.
  bool next(YamlEvent& event, Diagnostics& diagnostics);
  /// libyaml counts characters from 0, and takes the end of the file for the beginning of one more
  /// line; that is put right here.
  [[nodiscard]] Position position(const yaml_mark_t& mark) const;
  [[nodiscard]] const SourceText& source() const { return source_; }

 private:
  void report(Diagnostics& diagnostics) const;

  SourceText source_;
  yaml_parser_t parser_{};
  bool initialized_ = false;
};

}  // namespace stagebox::scheduler
