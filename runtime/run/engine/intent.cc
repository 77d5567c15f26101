#include "runtime/run/engine/intent.h"

#include <algorithm>
#include <string_view>

#include "runtime/base/parse_number.h"
#include "runtime/base/random_id.h"

namespace stagebox::run {
namespace {

constexpr std::string_view kCgroup = "cgroup ";
constexpr std::string_view kArtifact = "artifact ";
constexpr std::string_view kMade = "made ";
constexpr std::string_view kPids = "pids ";
constexpr std::string_view kStart = "start ";
constexpr std::string_view kNameStart = ".stagebox-";
constexpr std::string_view kNameEnd = ".part";
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_hex(std::string_view text) {
  return text.find_first_not_of(kHexDigits) == std::string_view::npos;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    hex += kHexDigits[value >> 4U];
    hex += kHexDigits[value & 15U];
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0 || !is_hex(hex)) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(kHexDigits.find(hex[i]) * 16 + kHexDigits.find(hex[i + 1]));
  }
  return bytes;
}

// What stands before the next space, which is taken away with it; the rest where there is none.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::optional<FileId> take_id(std::string_view& line) {
  const auto device = base::parse_number<std::uint64_t>(take_word(line));
  const auto inode = base::parse_number<std::uint64_t>(take_word(line));
  if (!device || !inode) return std::nullopt;
  return FileId{*device, *inode};
}

std::string to_text(const FileId& id) {
  return std::to_string(id.device) + " " + std::to_string(id.inode);
}

// Absolute, and what it says without the help of "." and "..".
bool is_plain_path(std::string_view path) {
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) return false;
  const std::string whole = std::string(path) + "/";
  return whole.find("/./") == std::string::npos && whole.find("/../") == std::string::npos;
}

void add_cgroup(std::string_view path, const std::string& id, Intent& intent) {
  // Ours are named after us; nothing else is ever removed.
  const std::size_t slash = path.rfind('/');
  if (!is_plain_path(path) || path.substr(slash + 1) != "stagebox-" + id) return;
  intent.cgroups.emplace_back(path);
}

void add_artifact(std::string_view line, Intent& intent) {
  UnfinishedArtifact artifact;
  artifact.name = take_word(line);
  const auto directory_id = take_id(line);
  const auto directory = from_hex(line);
  if (!is_unfinished_name(artifact.name) || !directory_id || !directory) return;
  if (!is_plain_path(*directory)) return;
  artifact.directory_id = *directory_id;
  artifact.directory = *directory;
  intent.artifacts.push_back(std::move(artifact));
}

void add_made(std::string_view line, Intent& intent) {
  const std::string_view name = take_word(line);
  const auto id = take_id(line);
  if (!id || !line.empty()) return;
  for (UnfinishedArtifact& artifact : intent.artifacts) {
    if (artifact.name == name) artifact.id = id;
  }
}

void add_pid_namespace(std::string_view line, Intent& intent) {
  const auto id = take_id(line);
  if (id && line.empty()) intent.pid_namespace = id;
}

void add_line(std::string_view line, const std::string& id, Intent& intent) {
  const auto rest_after = [&line](std::string_view prefix) -> std::optional<std::string_view> {
    if (!line.starts_with(prefix)) return std::nullopt;
    return line.substr(prefix.size());
  };
  if (const auto cgroup = rest_after(kCgroup)) add_cgroup(*cgroup, id, intent);
  if (const auto artifact = rest_after(kArtifact)) add_artifact(*artifact, intent);
  if (const auto made = rest_after(kMade)) add_made(*made, intent);
  if (const auto pids = rest_after(kPids)) add_pid_namespace(*pids, intent);
  if (const auto start = rest_after(kStart))
    intent.process_start = base::parse_number<std::uint64_t>(*start);
}

}  // namespace

std::string unfinished_name(const std::string& hex) {
  return std::string(kNameStart) + hex + std::string(kNameEnd);
}

bool is_unfinished_name(const std::string& name) {
  if (!name.starts_with(kNameStart) || !name.ends_with(kNameEnd)) return false;
  std::string_view hex = name;
  hex.remove_prefix(kNameStart.size());
  hex.remove_suffix(kNameEnd.size());
  return base::is_random_hex(hex, kUnfinishedHexChars);
}

std::string encode_pid_namespace(const FileId& id) {
  return std::string(kPids) + to_text(id) + "\n";
}

std::string encode_process_start(std::uint64_t start) {
  return std::string(kStart) + std::to_string(start) + "\n";
}

std::string encode_cgroups(const std::vector<std::string>& directories) {
  std::string note;
  for (const std::string& dir : directories) note.append(kCgroup).append(dir).append("\n");
  return note;
}

std::string encode_artifact(const UnfinishedArtifact& artifact) {
  return std::string(kArtifact) + artifact.name + " " + to_text(artifact.directory_id) + " " +
         to_hex(artifact.directory) + "\n";
}

std::string encode_made(const std::string& name, const FileId& id) {
  return std::string(kMade) + name + " " + to_text(id) + "\n";
}

Intent decode_intent(const std::string& note, const std::string& id) {
  Intent intent;
  std::string_view rest = note;
  for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;) {
    add_line(rest.substr(0, end), id, intent);
    rest.remove_prefix(end + 1);
  }
  return intent;
}

}  // namespace stagebox::run
