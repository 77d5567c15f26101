#include "runtime/run/stage/cache_key.h"

#include <map>
#include <string_view>
#include <utility>

#include "runtime/base/joined.h"
#include "runtime/base/path_patterns.h"

namespace stagebox::run {
namespace {

using base::Digest;
using base::EntryType;
using base::PathPatterns;
using base::PatternMatch;
using base::Result;

/// As many entries as one tree may have.
constexpr std::size_t kMaxEntries = 1'000'000;

class InputHasher {
 public:
  InputHasher(PathPatterns patterns, const store::ContentStore& content)
      : patterns_(std::move(patterns)), content_(content) {}

  Result<void> add(const ResolvedInput& input) {
    const store::StoredOutput& found = input.content;
    const std::string& path = input.input.at.str();
    if (found.kind == store::OutputKind::kFile) {
      if (taken(path, EntryType::kOther, taken_above(path)))
        note(path, file_line(found.digest, found.executable));
      return {};
    }
    return walk({found.digest, path, taken(path, EntryType::kDirectory, taken_above(path))});
  }

  /// Nothing when nothing matched.
  [[nodiscard]] std::optional<Digest> finish() const {
    if (lines_.empty()) return std::nullopt;
    base::Sha256 hash;
    for (const auto& [path, line] : lines_) {
      hash.update(path);
      hash.update(std::string_view("\0", 1));
      hash.update(line);
      hash.update(std::string_view("\0", 1));
    }
    return hash.finish();
  }

 private:
  struct Level {
    Digest listing;
    std::string path;
    bool taken = false;  ///< With everything in it.
  };

  static std::string file_line(const Digest& digest, store::Executable executable) {
    return (executable == store::Executable::kYes ? "x" : "f") + digest.hex();
  }
  void note(const std::string& path, std::string line) { lines_.emplace(path, std::move(line)); }

  /// The last pattern that says something of an entry decides, or else its directory.
  [[nodiscard]] bool taken(const std::string& path, EntryType type, bool above) const {
    const PatternMatch match = patterns_.match(path, type);
    return match == PatternMatch::kNone ? above : match == PatternMatch::kMatches;
  }
  /// For an input at "a/b": what the patterns say of "a".
  [[nodiscard]] bool taken_above(const std::string& path) const {
    bool above = false;
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1))
      above = taken(path.substr(0, slash), EntryType::kDirectory, above);
    return above;
  }

  Result<void> walk(Level top) {
    std::vector<Level> open{std::move(top)};
    while (!open.empty()) {
      const Level level = std::move(open.back());
      open.pop_back();
      const store::DirectoryListing listing = TRY(content_.read_directory(level.listing));
      entries_ += listing.files.size() + listing.directories.size() + listing.symlinks.size();
      if (entries_ > kMaxEntries)
        return base::invalid("the inputs have more than 1,000,000 entries to match");
      const std::string prefix = level.path + "/";
      for (const store::FileEntry& file : listing.files) {
        const std::string path = prefix + file.name;
        if (taken(path, EntryType::kOther, level.taken))
          note(path, file_line(file.digest, file.executable));
      }
      for (const store::SymlinkEntry& link : listing.symlinks) {
        const std::string path = prefix + link.name;
        if (taken(path, EntryType::kOther, level.taken)) note(path, "l" + link.target);
      }
      for (const store::DirectoryEntry& child : listing.directories) {
        std::string path = prefix + child.name;
        const bool all = taken(path, EntryType::kDirectory, level.taken);
        open.push_back({child.digest, std::move(path), all});
      }
    }
    return {};
  }

  PathPatterns patterns_;
  const store::ContentStore& content_;
  std::map<std::string, std::string> lines_;  ///< By path.
  std::size_t entries_ = 0;
};

}  // namespace

Result<Digest> hash_inputs(const std::vector<std::string>& patterns,
                           const std::vector<ResolvedInput>& inputs,
                           const store::ContentStore& content) {
  InputHasher hasher(TRY(PathPatterns::parse(patterns)), content);
  for (const ResolvedInput& input : inputs) TRY(hasher.add(input));
  const auto digest = hasher.finish();
  if (digest) return *digest;
  return base::invalid("hash(" + base::joined(patterns, ", ") +
                       ") matches no file in the stage's inputs; patterns are paths in the "
                       "workspace, such as src/package-lock.json where `src` is an input");
}

Result<std::string> cache_key(const scheduler::CacheKey& key,
                              const std::vector<ResolvedInput>& inputs,
                              const store::ContentStore& content) {
  std::string text;
  for (const scheduler::KeyPart& part : key) {
    if (part.hash.empty()) {
      text += part.text;
      continue;
    }
    const Digest digest = TRY(hash_inputs(part.hash, inputs, content));
    text += digest.hex();
  }
  return text;
}

}  // namespace stagebox::run
