// What the pieces are given to work on: the same in each run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stagebox::bench {

/// At least so many bytes of whole lines, as a build prints them: numbers, names and paths.
std::string build_output(std::size_t bytes);
/// The same line again and again.
std::string same_line(std::size_t bytes);
/// Nothing that could be compressed.
std::string noise(std::size_t bytes);
/// The text of a pipeline of so many stages, each of which needs the one before it.
std::string chain(std::size_t stages);
/// Where files of a project lie, in three levels of directories.
std::vector<std::string> paths(std::size_t count);
/// A report as pytest writes it, with a failure in every tenth case.
std::string junit_report(std::size_t cases);

}  // namespace stagebox::bench
