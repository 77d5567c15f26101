// Fuzzes decode_intent(): whatever stands in a note, what is undone by it is called as ours are,
// and what was accepted is the same when it is written down again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "runtime/run/engine/intent.h"

namespace {

using stagebox::run::Intent;
using stagebox::run::UnfinishedArtifact;

void require(bool condition) {
  if (!condition) std::abort();
}

void require_plain(const std::string& path) {
  require(path.starts_with('/'));
  require((path + "/").find("/../") == std::string::npos);
  require(path.find('\0') == std::string::npos);
}

bool same(const UnfinishedArtifact& one, const UnfinishedArtifact& other) {
  return one.name == other.name && one.directory == other.directory &&
         one.directory_id == other.directory_id && one.id == other.id;
}

std::string encode(const Intent& intent) {
  std::string note = stagebox::run::encode_cgroups(intent.cgroups);
  if (intent.pid_namespace) note += stagebox::run::encode_pid_namespace(*intent.pid_namespace);
  if (intent.process_start) note += stagebox::run::encode_process_start(*intent.process_start);
  for (const UnfinishedArtifact& artifact : intent.artifacts)
    note += stagebox::run::encode_artifact(artifact);
  for (const UnfinishedArtifact& artifact : intent.artifacts) {
    if (artifact.id) note += stagebox::run::encode_made(artifact.name, *artifact.id);
  }
  return note;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr const char* kId = "0123456789ab";
  const std::string note(reinterpret_cast<const char*>(data), size);
  const Intent intent = stagebox::run::decode_intent(note, kId);
  for (const std::string& cgroup : intent.cgroups) {
    require_plain(cgroup);
    require(cgroup.ends_with(std::string("/stagebox-") + kId));
  }
  for (const UnfinishedArtifact& artifact : intent.artifacts) {
    require_plain(artifact.directory);
    require(stagebox::run::is_unfinished_name(artifact.name));
    require(artifact.name.find('/') == std::string::npos);
  }
  require(stagebox::run::decode_intent(note, "another").cgroups.empty());
  const Intent again = stagebox::run::decode_intent(encode(intent), kId);
  require(again.pid_namespace == intent.pid_namespace);
  require(again.process_start == intent.process_start);
  require(again.cgroups == intent.cgroups && again.artifacts.size() == intent.artifacts.size());
  // Two of one name have one id when they are written down again: of the last one.
  for (std::size_t i = 0; i < intent.artifacts.size() && intent.artifacts.size() == 1; ++i)
    require(same(again.artifacts[i], intent.artifacts[i]));
  return 0;
}
