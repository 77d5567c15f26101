#include "scheduler/yaml/yaml_document.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "scheduler/nearest_name.h"
#include "scheduler/yaml/yaml_events.h"

namespace stagebox::scheduler {
namespace {

constexpr std::size_t kNodeWeight = 16;

std::string text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

ScalarStyle style_of(yaml_scalar_style_t style) {
  switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
      return ScalarStyle::kQuoted;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
      return ScalarStyle::kBlock;
    default:
      return ScalarStyle::kPlain;
  }
}

std::string noun_of(YamlFile file) { return file == YamlFile::kPolicy ? "a policy" : "a pipeline"; }

std::string first_line_of(YamlFile file) {
  return file == YamlFile::kPolicy ? "`stagebox-policy: 1`" : "`stagebox: 1`";
}

// Turns the event stream into the tree without recursion: the file decides how deep it is.
class Builder {
 public:
  Builder(std::string_view text, Diagnostics& diagnostics, const YamlLimits& limits, YamlFile file)
      : events_(text), diagnostics_(diagnostics), limits_(limits), file_(file) {}

  std::optional<YamlDocument> build();

 private:
  struct Open {
    YamlNode* node;
    const YamlNode* key = nullptr;  // Of a mapping: the key that waits for its value.
    std::vector<const YamlNode*> items = {};
    std::vector<YamlEntry> entries = {};
    std::unordered_map<std::string_view, const YamlNode*> keys = {};  // Seen so far, if many.
  };

  bool take(const YamlEvent& event);
  bool begin_document(const YamlEvent& event);
  bool begin_collection(const YamlEvent& event, YamlKind kind, const yaml_char_t* anchor,
                        const yaml_char_t* tag);
  bool add_scalar(const YamlEvent& event);
  bool add_alias(const YamlEvent& event);
  void close();
  YamlNode* new_node(const YamlEvent& event, YamlKind kind, const yaml_char_t* anchor,
                     const yaml_char_t* tag);
  void attach(const YamlNode& node);
  void attach_key(Open& open, const YamlNode& node);
  void attach_value(Open& open, const YamlNode& node);
  static const YamlNode* earlier_key(Open& open, const YamlNode& key);
  void locate_text(YamlNode& node, const YamlEvent& event) const;
  void locate_literal(YamlNode& node) const;
  bool fail(Position position, std::string_view message, std::string_view hint = {}) {
    diagnostics_.add(position, message, hint);
    return false;
  }

  YamlEvents events_;
  Diagnostics& diagnostics_;
  YamlLimits limits_;
  YamlFile file_;
  YamlDocument document_;
  std::vector<Open> stack_;
  std::map<std::string, YamlNode*, std::less<>> anchors_;
  std::size_t alias_weight_ = 0;
  bool in_document_ = false;
};

std::optional<YamlDocument> Builder::build() {
  for (;;) {
    YamlEvent event;
    if (!events_.next(event, diagnostics_)) return std::nullopt;
    if (event->type == YAML_STREAM_END_EVENT) break;
    if (!take(event)) return std::nullopt;
  }
  if (!document_.has_root()) {
    fail({1, 1}, "the file is empty", noun_of(file_) + " begins with " + first_line_of(file_));
    return std::nullopt;
  }
  return std::move(document_);
}

bool Builder::take(const YamlEvent& event) {
  const auto& data = event->data;
  switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
      return begin_document(event);
    case YAML_ALIAS_EVENT:
      return add_alias(event);
    case YAML_SCALAR_EVENT:
      return add_scalar(event);
    case YAML_SEQUENCE_START_EVENT:
      return begin_collection(event, YamlKind::kSequence, data.sequence_start.anchor,
                              data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
      return begin_collection(event, YamlKind::kMapping, data.mapping_start.anchor,
                              data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      close();
      return true;
    default:
      return true;
  }
}

bool Builder::begin_document(const YamlEvent& event) {
  if (in_document_)
    return fail(events_.position(event->start_mark), "a second YAML document begins here",
                noun_of(file_) + " file holds one document; remove this and what follows");
  in_document_ = true;
  return true;
}

YamlNode* Builder::new_node(const YamlEvent& event, YamlKind kind, const yaml_char_t* anchor,
                            const yaml_char_t* tag) {
  const Position position = events_.position(event->start_mark);
  if (document_.node_count() >= limits_.nodes) {
    fail(position, "the file has more than " + std::to_string(limits_.nodes) + " values");
    return nullptr;
  }
  if (tag != nullptr)
    fail(position,
         "found the tag " + backquoted(text_of(tag)) + ", but " + noun_of(file_) +
             " file has no tags",
         "write the value alone; quotes make it a text");
  YamlNode& node = document_.add_node();
  node.kind = kind;
  node.position = position;
  node.weight = kNodeWeight;
  if (anchor != nullptr) anchors_[text_of(anchor)] = &node;
  return &node;
}

bool Builder::begin_collection(const YamlEvent& event, YamlKind kind, const yaml_char_t* anchor,
                               const yaml_char_t* tag) {
  if (stack_.size() >= limits_.depth)
    return fail(events_.position(event->start_mark),
                "values are nested deeper than " + std::to_string(limits_.depth) + " levels");
  YamlNode* node = new_node(event, kind, anchor, tag);
  if (node == nullptr) return false;
  stack_.push_back({node});
  return true;
}

bool Builder::add_scalar(const YamlEvent& event) {
  const auto& scalar = event->data.scalar;
  YamlNode* node = new_node(event, YamlKind::kScalar, scalar.anchor, scalar.tag);
  if (node == nullptr) return false;
  node->style = style_of(scalar.style);
  const std::span<const char> text(reinterpret_cast<const char*>(scalar.value), scalar.length);
  const std::span<const char> kept = document_.keep(text);
  node->hold(std::string_view(kept.data(), kept.size()));
  node->weight += static_cast<std::uint32_t>(scalar.length);
  if (node->scalar().find('\0') != std::string_view::npos)
    fail(node->position, "the text contains a NUL character, which no command or path can hold");
  if (scalar.anchor == nullptr && scalar.tag == nullptr) locate_text(*node, event);
  attach(*node);
  return true;
}

void Builder::locate_text(YamlNode& node, const YamlEvent& event) const {
  const yaml_mark_t& begin = event->start_mark;
  const yaml_mark_t& end = event->end_mark;
  if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE) return locate_literal(node);
  if (node.style == ScalarStyle::kBlock || begin.line != end.line) return;
  const std::size_t quote = node.style == ScalarStyle::kQuoted ? 1 : 0;
  // Equal length means that nothing was unescaped.
  if (end.column - begin.column != count_characters(node.scalar()) + 2 * quote) return;
  node.layout = TextLayout::kVerbatim;
  node.content = {node.position.line, node.position.column + quote};
}

void Builder::locate_literal(YamlNode& node) const {
  const SourceText& source = events_.source();
  const std::size_t header = node.position.line;
  const std::string_view rest = source.line(header).substr(source.line(header).rfind('|') + 1);
  // "|2" fixes the indentation by number; then the first line does not tell it.
  if (rest.find_first_of("123456789") != std::string_view::npos) return;
  for (std::size_t number = header + 1; number <= source.lines(); ++number) {
    const std::size_t indent = source.line(number).find_first_not_of(' ');
    if (indent == std::string_view::npos) continue;
    node.layout = TextLayout::kLiteral;
    node.content = {header + 1, indent + 1};
    return;
  }
}

bool Builder::add_alias(const YamlEvent& event) {
  const Position position = events_.position(event->start_mark);
  const std::string name = text_of(event->data.alias.anchor);
  const auto found = anchors_.find(name);
  if (found == anchors_.end())
    return fail(position, "there is no anchor " + backquoted("&" + name) + " before this alias",
                name_hint(name, names_of(anchors_)));
  for (const Open& open : stack_) {
    if (open.node == found->second)
      return fail(position, "the alias " + backquoted("*" + name) + " contains itself");
  }
  alias_weight_ += found->second->weight;
  if (alias_weight_ > limits_.alias_weight)
    return fail(position, "the aliases of this file expand to more than " +
                              std::to_string(limits_.alias_weight >> 20U) + " MiB");
  attach(*found->second);
  return true;
}

void Builder::attach(const YamlNode& node) {
  if (stack_.empty()) return document_.set_root(node);
  Open& open = stack_.back();
  open.node->weight += node.weight;
  if (open.node->is_sequence()) {
    open.items.push_back(&node);
  } else if (open.key == nullptr) {
    attach_key(open, node);
  } else {
    attach_value(open, node);
  }
}

void Builder::attach_value(Open& open, const YamlNode& node) {
  const YamlNode* const key = std::exchange(open.key, nullptr);
  if (!key->is_scalar()) return;  // Reported already.
  const YamlNode* const earlier = earlier_key(open, *key);
  if (earlier != nullptr)
    fail(key->position,
         "the key " + backquoted(key->scalar()) + " is already in line " +
             std::to_string(earlier->position.line),
         "remove one of them, or give one another name");
  constexpr std::size_t kUsual = 4;
  if (open.entries.empty()) open.entries.reserve(kUsual);
  open.entries.push_back({key, &node, earlier != nullptr});
}

// The first key of the mapping with the same text. Most mappings are so small that looking at each
// key is faster than a table.
const YamlNode* Builder::earlier_key(Open& open, const YamlNode& key) {
  constexpr std::size_t kFew = 16;
  const std::vector<YamlEntry>& entries = open.entries;
  if (entries.size() < kFew) {
    const auto found = std::ranges::find_if(
        entries, [&](const YamlEntry& entry) { return entry.key->scalar() == key.scalar(); });
    return found == entries.end() ? nullptr : found->key;
  }
  if (open.keys.empty()) {
    for (const YamlEntry& entry : entries) open.keys.emplace(entry.key->scalar(), entry.key);
  }
  const auto [seen, first] = open.keys.emplace(key.scalar(), &key);
  return first ? nullptr : seen->second;
}

void Builder::attach_key(Open& open, const YamlNode& node) {
  open.key = &node;
  if (!node.is_scalar())
    fail(node.position, "a key must be a text, found " + describe(node));
  else if (node.style == ScalarStyle::kPlain && node.scalar() == "<<")
    fail(node.position, "merge keys (`<<`) are not supported",
         file_ == YamlFile::kPipeline ? "put what the stages share under `defaults`" : "");
}

void Builder::close() {
  const Open& open = stack_.back();
  YamlNode& node = *open.node;
  if (node.is_sequence())
    node.hold(document_.keep(std::span<const YamlNode* const>(open.items)));
  else
    node.hold(document_.keep(std::span<const YamlEntry>(open.entries)));
  stack_.pop_back();
  attach(node);
}

}  // namespace

std::optional<YamlDocument> parse_yaml(std::string_view bytes, Diagnostics& diagnostics,
                                       const YamlLimits& limits, YamlFile file) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.size() > limits.bytes) {
    diagnostics.add({1, 1}, "the file has " + std::to_string(bytes.size()) +
                                " bytes; the limit is " + std::to_string(limits.bytes));
    return std::nullopt;
  }
  if (const auto bad = find_bad_character(bytes)) {
    diagnostics.add(SourceText(bytes.substr(0, bad->offset)).position_of(bad->offset),
                    bad->message);
    return std::nullopt;
  }
  return Builder(bytes, diagnostics, limits, file).build();
}

}  // namespace stagebox::scheduler
