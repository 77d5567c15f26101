// Intent: what a process is going to make that outlives it, as it stands in its instance's note
// (store/instance_lock.h). Pure. A note is read as if anybody could have written it: what is not
// exactly what we write means nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stagebox::run {

struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

/// An artifact beside its destination, under a name of ours until it is complete.
struct UnfinishedArtifact {
  std::string name;       ///< One component; is_unfinished_name().
  std::string directory;  ///< Where it is: absolute, without links.
  FileId directory_id;
  std::optional<FileId> id;  ///< Its own; none: it was not there yet, or not for long.
};
inline constexpr std::size_t kUnfinishedHexChars = 12;
/// ".stagebox-", as many hexadecimal digits, ".part".
std::string unfinished_name(const std::string& hex);
bool is_unfinished_name(const std::string& name);

struct Intent {
  std::vector<std::string> cgroups;  ///< Directories.
  std::vector<UnfinishedArtifact> artifacts;
  /// Of the process itself, in which its number in the run store counts; none: it is not known.
  std::optional<FileId> pid_namespace;
  /// When the process began, as proc_pid_stat(5) has it: no other of its number began then.
  std::optional<std::uint64_t> process_start;
};

/// For the note, at its beginning.
std::string encode_pid_namespace(const FileId& id);
std::string encode_process_start(std::uint64_t start);
/// For the note, each before it is made.
std::string encode_cgroups(const std::vector<std::string>& directories);
std::string encode_artifact(const UnfinishedArtifact& artifact);
/// When it has been made.
std::string encode_made(const std::string& name, const FileId& id);

/// Of the instance `id`. Each line stands for itself; a last one without an end was not written in
/// full, and what it was about was not begun.
Intent decode_intent(const std::string& note, const std::string& id);

}  // namespace stagebox::run
