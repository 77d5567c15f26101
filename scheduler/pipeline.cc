#include "scheduler/pipeline.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace stagebox::scheduler {

const Image* Pipeline::find_image(std::string_view image_name) const {
  const auto found = std::ranges::find(images, image_name, &Image::name);
  return found == images.end() ? nullptr : &*found;
}

const Stage* Pipeline::find_stage(std::string_view id) const {
  const auto found = std::ranges::find(stages, id, &Stage::id);
  return found == stages.end() ? nullptr : &*found;
}

const Output* Stage::find_output(std::string_view output_name) const {
  const auto found = std::ranges::find(outputs, output_name, &Output::name);
  return found == outputs.end() ? nullptr : &*found;
}

std::set<std::string> Stage::image_names() const {
  std::set<std::string> names{image};
  for (const Service& service : services) names.insert(service.image);
  return names;
}

std::set<std::string> Stage::secret_names() const {
  std::set<std::string> names;
  for (const StageSecret& secret : secrets) names.insert(secret.name);
  for (const Service& service : services) {
    for (const StageSecret& secret : service.secrets) names.insert(secret.name);
  }
  return names;
}

double Stage::all_cpus() const {
  double cpus = resources.cpus.value_or(0);
  for (const Service& service : services) cpus += service.resources.cpus.value_or(0);
  return cpus;
}

std::uint64_t Stage::all_memory() const {
  std::uint64_t memory = resources.memory.value_or(0);
  for (const Service& service : services) {
    const std::uint64_t more = service.resources.memory.value_or(0);
    memory += std::min(more, std::numeric_limits<std::uint64_t>::max() - memory);
  }
  return memory;
}

std::string Network::text() const {
  switch (mode) {
    case Mode::kNone:
      return "none";
    case Mode::kNat:
      return "nat";
    case Mode::kHost:
      return "host";
    case Mode::kAllow:
      break;
  }
  std::string text = "allow";
  for (const base::NetworkRule& rule : allow) text += " " + rule.text();
  return text;
}

std::vector<Output> Stage::results() const {
  std::vector<Output> chosen;
  std::ranges::copy_if(outputs, std::back_inserter(chosen), &Output::is_result);
  return chosen;
}

std::vector<Output> Stage::left_by_failure() const {
  std::vector<Output> chosen;
  std::ranges::copy_if(outputs, std::back_inserter(chosen), &Output::is_left_by_failure);
  return chosen;
}

base::RelativePath DeclaredReports::fixed_part() const {
  const std::string& text = pattern.str();
  const std::size_t wildcard = text.find_first_of("*?[\\");
  if (wildcard == std::string::npos) return pattern;
  const std::size_t slash = text.rfind('/', wildcard);
  if (slash == std::string::npos) return {};
  return base::RelativePath::parse(text.substr(0, slash)).value();
}

std::string DeclaredReports::text() const {
  return std::string(to_string(format)) + " " + pattern.str();
}

std::string_view DeclaredReports::noun() const {
  switch (format) {
    case ReportFormat::kJunit:
    case ReportFormat::kTap:
      return "test report";
    case ReportFormat::kCobertura:
    case ReportFormat::kLcov:
      return "coverage report";
    case ReportFormat::kMarkdown:
      break;
  }
  return "summary";
}

std::string_view to_string(ReportFormat format) {
  switch (format) {
    case ReportFormat::kJunit:
      return "junit";
    case ReportFormat::kTap:
      return "tap";
    case ReportFormat::kCobertura:
      return "cobertura";
    case ReportFormat::kLcov:
      return "lcov";
    case ReportFormat::kMarkdown:
      break;
  }
  return "markdown";
}

std::string_view to_string(InputMode mode) {
  return mode == InputMode::kOverlay ? "overlay" : "ro";
}

std::string_view to_string(OutputType type) {
  return type == OutputType::kFile ? "file" : "directory";
}

std::string_view to_string(When when) {
  switch (when) {
    case When::kSuccess:
      return "success";
    case When::kFailure:
      return "failure";
    case When::kAlways:
      return "always";
  }
  return "";
}

std::string_view to_string(CachePolicy policy) {
  switch (policy) {
    case CachePolicy::kAuto:
      return "auto";
    case CachePolicy::kNever:
      return "never";
    case CachePolicy::kAlways:
      return "always";
  }
  return "";
}

}  // namespace stagebox::scheduler
