#include "scheduler/file/caches_reader.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "runtime/base/digest.h"
#include "runtime/base/path_patterns.h"
#include "runtime/base/utf8.h"
#include "scheduler/file/keys.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kCacheExample =
    "[{path: .npm, key: \"npm-${{ hash(src/package-lock.json) }}\", restore: [\"npm-\"]}]";
// In the order of CacheSave.
constexpr std::array<std::string_view, 3> kSaveChoices{"success", "always", "never"};
constexpr std::size_t kMaxHashPatterns = 64;
constexpr Range<std::uint64_t> kSizeRange{1, std::numeric_limits<std::int64_t>::max(),
                                          "a cache of 0 bytes would never be saved"};

// Keys are shown in listings and typed into commands.
bool is_plain(std::string_view text) {
  while (!text.empty()) {
    const base::Utf8Character character = base::decode_utf8(text);
    if (character.length == 0 || character.code < 0x20 ||
        (character.code >= 0x7F && character.code < 0xA0))
      return false;
    text.remove_prefix(character.length);
  }
  return true;
}

// One template; mistakes are reported and make it empty.
class KeyReader {
 public:
  KeyReader(const YamlNode& node, std::string_view what, const ValueReader& reader)
      : node_(node), what_(what), reader_(reader) {}

  CacheKey read() {
    if (!node_.is_scalar() || node_.is_null()) {
      reader_.mismatch(node_, what_, "a text", "write for example " + std::string(kCacheExample));
      return {};
    }
    if (!reader_.values().budget().take(node_.scalar().size())) {
      reader_.diagnostics().add(node_.position, ExpansionBudget::message());
      return {};
    }
    for (const ExpressionPart& part : split_expressions(node_.scalar())) std::visit(*this, part);
    check();
    return good_ ? std::move(key_) : CacheKey();
  }

  void operator()(const LiteralPart& literal) { add_text(literal.text); }
  void operator()(const ExpressionMistake& mistake) { fail(mistake); }
  void operator()(const ReferencePart& reference) {
    auto value = reader_.values().value(reference);
    if (const auto* mistake = std::get_if<ExpressionMistake>(&value)) return fail(*mistake);
    const auto& text = std::get<std::optional<std::string>>(value);
    // Without a value its definition is wrong, which was reported.
    if (!text) good_ = false;
    add_text(text.value_or(""));
  }
  void operator()(const HashPart& hash) {
    KeyPart part;
    for (const std::string_view pattern : hash.patterns) part.hash.emplace_back(pattern);
    const auto parsed = base::PathPatterns::parse(part.hash);
    if (!parsed.ok())
      return fail({hash.offset, "`hash`: " + parsed.error().message,
                   "patterns are written as in a .gitignore file, from the workspace on"});
    if (part.hash.size() > kMaxHashPatterns)
      return fail({hash.offset, "`hash` has more than 64 patterns", ""});
    key_.push_back(std::move(part));
  }

 private:
  void add_text(std::string_view text) {
    if (text.empty()) return;
    if (key_.empty() || !key_.back().hash.empty()) key_.emplace_back();
    key_.back().text += text;
  }
  void fail(const ExpressionMistake& mistake) {
    good_ = false;
    if (mistakes_ == kMaxExpressionMistakes) return;
    ++mistakes_;
    reader_.report(node_, {&mistake, 1});
  }
  void check() {
    if (!good_) return;
    std::size_t length = 0;
    for (const KeyPart& part : key_)
      length += part.hash.empty() ? part.text.size() : base::Digest::kHexChars;
    const std::string what(what_);
    if (length == 0)
      fail({0, what + " is empty", "it names what is in the cache, for example \"npm-\""});
    else if (length > kMaxCacheKey)
      fail({0, what + " is longer than 512 bytes", "hash what makes it long"});
    else if (!std::ranges::all_of(key_, is_plain, &KeyPart::text))
      fail({0, what + " has a control character or is not UTF-8", ""});
  }

  const YamlNode& node_;
  std::string_view what_;
  const ValueReader& reader_;
  CacheKey key_;
  std::size_t mistakes_ = 0;
  bool good_ = true;
};

void read_path(const YamlNode& node, const ValueReader& reader, Cache& cache) {
  const auto text = reader.word(node, "`path` of a cache", "a path in the workspace");
  if (!text) return;
  if (text->front() == '/' || text->front() == '~') {
    reader.diagnostics().add(
        node.position, "the path of a cache must lie in the workspace, found " + backquoted(*text),
        "write a path in the workspace, such as `.npm`, and name it to the tool by a variable, "
        "such as `npm_config_cache: /workspace/.npm` under `env`");
    return;
  }
  const auto path = base::RelativePath::parse(*text);
  if (!path.ok())
    reader.diagnostics().add(node.position, "`path` of a cache: " + path.error().message);
  else if (path->is_self())
    reader.diagnostics().add(node.position, "a cache cannot be the whole workspace",
                             "give it a directory of its own, such as `.npm`");
  else
    cache.path = *path;
}

void read_restore(const YamlNode& node, const ValueReader& reader, const FileContext& context,
                  Cache& cache) {
  if (!reader.expect_sequence(node, "`restore`", "[\"npm-\"]") ||
      !context.within(node.items().size(), FileLimits::kRestore, "beginnings of keys",
                      node.position))
    return;
  for (const YamlNode* item : node.items()) {
    CacheKey prefix = KeyReader(*item, "each of `restore`", reader).read();
    if (!prefix.empty()) cache.restore.push_back(std::move(prefix));
  }
}

Cache read_cache(const YamlNode& node, const ValueReader& reader, const FileContext& context) {
  Cache cache;
  cache.position = node.position;
  if (!reader.expect_mapping(node, "each of the `caches`", kCacheExample)) return cache;
  check_keys(node, kCachesKeys, reader.diagnostics());
  if (const YamlNode* path = node.find("path"))
    read_path(*path, reader, cache);
  else
    reader.diagnostics().add(node.position, "this cache has no `path`",
                             "write for example " + std::string(kCacheExample));
  if (const YamlNode* key = node.find("key"))
    cache.key = KeyReader(*key, "`key` of a cache", reader).read();
  else
    reader.diagnostics().add(node.position, "this cache has no `key`",
                             "write for example " + std::string(kCacheExample));
  if (const YamlNode* restore = node.find("restore"))
    read_restore(*restore, reader, context, cache);
  if (const YamlNode* size = node.find("max_size"))
    cache.max_size = reader.bytes(*size, "`max_size`", kSizeRange);
  if (const YamlNode* save = node.find("save")) {
    if (const auto chosen = reader.choice(*save, "`save`", kSaveChoices))
      cache.save = static_cast<CacheSave>(*chosen);
  }
  return cache;
}

}  // namespace

std::vector<Cache> read_caches(const YamlNode& node, const ValueReader& reader,
                               const FileContext& context) {
  std::vector<Cache> caches;
  if (!reader.expect_sequence(node, "`caches`", kCacheExample) ||
      !context.within(node.items().size(), FileLimits::kCaches, "caches", node.position))
    return caches;
  for (const YamlNode* item : node.items()) caches.push_back(read_cache(*item, reader, context));
  return caches;
}

}  // namespace stagebox::scheduler
