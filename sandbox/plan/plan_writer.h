// PlanWriter: puts the steps of a plan, and all the texts they refer to, into one flat buffer. It
// knows the layout of child::PlanHeader and nothing of what the steps mean. The environment can
// have secrets: it is written once, last, into a buffer that does not grow any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/child/child_plan.h"
#include "sandbox/spec/process_spec.h"

namespace stagebox::sandbox {

class PlanWriter {
 public:
  PlanWriter() { buffer_.resize(sizeof(child::PlanHeader)); }

  std::uint32_t text(const std::string& value) { return bytes(value.c_str(), value.size() + 1); }

  std::uint32_t bytes(const void* data, std::size_t size) {
    buffer_.resize((buffer_.size() + kAlign - 1) / kAlign * kAlign);
    const auto offset = static_cast<std::uint32_t>(buffer_.size());
    append(data, size);
    return offset;
  }

  void step(child::StepKind kind, std::uint64_t number1 = 0, std::uint64_t number2 = 0) {
    push(kind, -1, empty(), empty(), number1, number2);
  }
  void step(child::StepKind kind, const std::string& text1, const std::string& text2 = "",
            std::uint64_t number1 = 0) {
    push(kind, -1, text(text1), text(text2), number1, 0);
  }
  void fd_step(child::StepKind kind, std::int16_t fd, const std::string& text1) {
    push(kind, fd, text(text1), empty(), 0, 0);
  }
  void push(child::StepKind kind, std::int16_t fd, std::uint32_t text1, std::uint32_t text2,
            std::uint64_t number1, std::uint64_t number2) {
    steps_.push_back(child::Step{kind, fd, text1, text2, 0, number1, number2});
  }
  std::uint32_t empty() {
    if (empty_ == 0) empty_ = text("");
    return empty_;
  }

  std::vector<std::byte> finish(const Command& command) {
    make_room(command);
    child::PlanHeader header{};
    header.argc = static_cast<std::uint32_t>(command.argv.size());
    header.argv = text_array(command.argv);
    header.step_count = static_cast<std::uint32_t>(steps_.size());
    header.steps = bytes(steps_.data(), steps_.size() * sizeof(child::Step));
    header.environment_count = static_cast<std::uint32_t>(command.environment.size());
    header.environment = variables(command.environment);
    header.size = static_cast<std::uint32_t>(buffer_.size());
    std::memcpy(buffer_.data(), &header, sizeof(header));
    return std::move(buffer_);
  }

 private:
  static constexpr std::size_t kAlign = 8;

  void make_room(const Command& command) {
    constexpr std::size_t kOfEach = 2 + kAlign + sizeof(std::uint32_t);  // "=", NUL, its offset
    std::size_t room = steps_.size() * sizeof(child::Step) + 4 * (kAlign + sizeof(std::uint32_t));
    for (const std::string& argument : command.argv) room += argument.size() + kOfEach;
    for (const auto& [name, value] : command.environment)
      room += name.size() + value.size() + kOfEach;
    buffer_.reserve(buffer_.size() + room);
  }
  std::uint32_t text_array(const std::vector<std::string>& values) {
    std::vector<std::uint32_t> offsets;
    offsets.reserve(values.size() + 1);
    for (const std::string& value : values) offsets.push_back(text(value));
    return offset_array(std::move(offsets));
  }
  std::uint32_t variables(const std::map<std::string, std::string>& environment) {
    std::vector<std::uint32_t> offsets;
    offsets.reserve(environment.size() + 1);
    for (const auto& [name, value] : environment) {
      offsets.push_back(bytes(name.data(), name.size()));
      append("=", 1);
      append(value.c_str(), value.size() + 1);
    }
    return offset_array(std::move(offsets));
  }
  std::uint32_t offset_array(std::vector<std::uint32_t> offsets) {
    offsets.push_back(0);
    return bytes(offsets.data(), offsets.size() * sizeof(std::uint32_t));
  }
  void append(const void* data, std::size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    buffer_.insert(buffer_.end(), begin, begin + size);
  }

  std::vector<std::byte> buffer_;
  std::vector<child::Step> steps_;
  std::uint32_t empty_ = 0;
};

}  // namespace stagebox::sandbox
