#include "runtime/run/kept_workspace.h"

#include <string>
#include <utility>

#include "runtime/run/secret_leak.h"
#include "runtime/run/secrets/secret_masker.h"

namespace stagebox::run {
namespace {

using base::Result;

class Keeper {
 public:
  Keeper(const store::ContentStore& content, const SecretAutomaton* secrets,
         store::SourceFiles source_files, const std::stop_token& stop)
      : content_(content), secrets_(secrets), source_files_(source_files), stop_(stop) {}

  Result<void> keep(const std::string& path, int directory) {
    if (secrets_ != nullptr) {
      const auto leak =
          TRY(find_secret_below(directory, *secrets_, {bytes_left_, kMostKeptEntries, stop_}));
      if (leak) return base::invalid(*leak);
    }
    store::TreeOptions options;
    options.max_bytes = bytes_left_;
    options.max_entries = kMostKeptEntries;
    options.special_files = store::SpecialFiles::kLeftOut;
    options.source_files = source_files_;
    options.stop = stop_;
    const store::TreeRef tree = TRY(content_.put_tree(directory, options));
    bytes_left_ -= tree.bytes;
    trees_.push_back({path, tree.root, tree.size});
    return {};
  }

  std::vector<store::KeptTree> take() { return std::move(trees_); }

 private:
  const store::ContentStore& content_;
  const SecretAutomaton* secrets_;
  store::SourceFiles source_files_;
  const std::stop_token& stop_;
  std::uint64_t bytes_left_ = kMostKeptBytes;
  std::vector<store::KeptTree> trees_;
};

// The copy-on-write directories come first among the mounts of their kind, in this order.
Result<void> keep_all(LeftWorkspace& left, const std::vector<ResolvedInput>& inputs,
                      Keeper& keeper) {
  TRY(keeper.keep("", left.directory()));
  std::size_t index = 0;
  for (const ResolvedInput& input : inputs) {
    if (input.input.mode != scheduler::InputMode::kOverlay) continue;
    if (input.content.kind != store::OutputKind::kDirectory) continue;
    const int view = TRY(left.view_of(index++));
    TRY(keeper.keep(input.input.at.str(), view));
  }
  return {};
}

}  // namespace

store::KeptWorkspace keep_workspace(LeftWorkspace& left, const std::vector<ResolvedInput>& inputs,
                                    const store::ContentStore& content,
                                    const SecretAutomaton* secrets, store::SourceFiles source_files,
                                    const std::stop_token& stop) {
  Keeper keeper(content, secrets, source_files, stop);
  const auto kept = keep_all(left, inputs, keeper);
  if (kept.ok()) return {keeper.take(), ""};
  // All of it or nothing: a part would look like what the stage left.
  const std::string why = "it could not be kept: " + kept.error().message;
  return {{}, secrets == nullptr ? why : masked(*secrets, why)};
}

}  // namespace stagebox::run
