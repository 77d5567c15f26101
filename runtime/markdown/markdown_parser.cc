#include "runtime/markdown/markdown_parser.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/base/utf8.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::markdown {
namespace {

std::string_view side_of(char alignment) {
  if (alignment == 'r') return "right";
  return alignment == 'c' ? "center" : "";
}

std::string_view text_or_empty(const char* text) { return text == nullptr ? "" : text; }

// Makes the list of tokens, in which everything ends that began, whatever it is asked to do.
class TokenList {
 public:
  [[nodiscard]] std::size_t depth() const { return open_.size(); }

  /// Nothing where it would be too deep: what is in it stands outside of it then.
  void open(Markup markup, std::string_view text = {}) {
    if (depth() < MarkupLimits::kDepth && add(markup, text)) open_.push_back(markup);
  }
  void close_to(std::size_t depth) {
    for (; open_.size() > depth; open_.pop_back()) tokens_.push_back({Markup::kEnd});
  }
  /// The innermost that is open above `depth`, with all in it; nothing when there is none.
  void close(Markup markup, std::size_t depth) {
    for (std::size_t i = open_.size(); i > depth; --i) {
      if (open_[i - 1] == markup) return close_to(i - 1);
    }
  }
  bool add(Markup markup, std::string_view text = {}) {
    const std::string clean = test_reports::clean_text(text);
    // Each that is open takes one more.
    is_full_ = is_full_ || tokens_.size() + open_.size() + 2 > MarkupLimits::kTokens ||
               clean.size() > text_left_;
    if (is_full_) return false;
    text_left_ -= clean.size();
    const bool goes_on =
        markup == Markup::kText && !tokens_.empty() && tokens_.back().markup == Markup::kText;
    if (goes_on)
      tokens_.back().text += clean;
    else
      tokens_.push_back({markup, clean});
    return true;
  }
  [[nodiscard]] bool is_full() const { return is_full_; }
  std::vector<Token> take() {
    close_to(0);
    return std::move(tokens_);
  }

 private:
  std::vector<Token> tokens_;
  std::vector<Markup> open_;
  std::size_t text_left_ = MarkupLimits::kTokenText;
  bool is_full_ = false;
};

// Of HTML what folds and what breaks lines; the rest is text.
class HtmlReader {
 public:
  /// What was open at `depth` is not its to close.
  HtmlReader(TokenList& tokens, std::size_t depth) : tokens_(tokens), depth_(depth) {}

  void read(std::string_view html) {
    while (!html.empty()) {
      const std::size_t begin = html.find('<');
      text(html.substr(0, begin));
      if (begin == std::string_view::npos) return;
      html.remove_prefix(begin);
      html.remove_prefix(html.starts_with(kComment) ? comment(html) : tag(html));
    }
  }

 private:
  static constexpr std::string_view kComment = "<!--";
  // With what ends it: "/summary/>".
  static constexpr std::size_t kLongestName = 10;

  void text(std::string_view between) {
    if (!test_reports::is_blank(between)) tokens_.add(Markup::kText, between);
  }

  // How much of it was read.
  static std::size_t comment(std::string_view html) {
    constexpr std::string_view kEnd = "-->";
    const std::size_t end = html.find(kEnd);
    return end == std::string_view::npos ? html.size() : end + kEnd.size();
  }

  // The same; a character that begins nothing is text.
  std::size_t tag(std::string_view html) {
    const std::string name = name_of(html.substr(1, kLongestName));
    // Where it ends matters for those that are known, and nobody looks for that in vain twice.
    const std::size_t end = is_known(name) && has_ends_ ? html.find('>') : std::string_view::npos;
    if (end == std::string_view::npos) {
      has_ends_ = has_ends_ && !is_known(name);
      tokens_.add(Markup::kText, html.substr(0, 1));
      return 1;
    }
    if (name == "details") {
      tokens_.open(Markup::kDetails);
    } else if (name == "summary") {
      tokens_.open(Markup::kDetailsTitle);
    } else if (name == "/details") {
      tokens_.close(Markup::kDetails, depth_);
    } else if (name == "/summary") {
      tokens_.close(Markup::kDetailsTitle, depth_);
    } else {
      tokens_.add(Markup::kLineBreak);
    }
    return end + 1;
  }

  static bool is_known(std::string_view name) {
    return name == "details" || name == "summary" || name == "/details" || name == "/summary" ||
           name == "br";
  }

  // Without its attributes.
  static std::string name_of(std::string_view tag) {
    std::string name;
    for (const char c : tag.substr(0, tag.find_first_of(" \t\n>")))
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (name.size() > 1 && name.ends_with('/')) name.pop_back();
    return name;
  }

  TokenList& tokens_;
  std::size_t depth_;
  bool has_ends_ = true;  ///< There may be another ">".
};

struct NodeMarkup {
  std::string_view type;  ///< As cmark calls it.
  Markup markup;
};
constexpr std::array kContainers{
    NodeMarkup{"block_quote", Markup::kQuote}, NodeMarkup{"item", Markup::kItem},
    NodeMarkup{"emph", Markup::kEmphasis},     NodeMarkup{"strong", Markup::kStrong},
    NodeMarkup{"table", Markup::kTable},       NodeMarkup{"table_row", Markup::kRow},
    NodeMarkup{"table_header", Markup::kRow},  NodeMarkup{"strikethrough", Markup::kDeleted}};

class DocumentReader {
 public:
  void enter(cmark_node* node) {
    const std::size_t depth = tokens_.depth();
    const std::string_view type = cmark_node_get_type_string(node);
    if (!leaf(node, type)) {
      container(node, type);
      ends_at_.push_back(depth);
    }
  }
  void leave() {
    tokens_.close_to(ends_at_.back());
    ends_at_.pop_back();
  }
  [[nodiscard]] bool is_full() const { return tokens_.is_full(); }
  std::vector<Token> take() { return tokens_.take(); }

 private:
  // Leaves are entered and never left.
  bool leaf(cmark_node* node, std::string_view type) {
    const std::string_view literal = text_or_empty(cmark_node_get_literal(node));
    if (type == "text") {
      tokens_.add(Markup::kText, literal);
    } else if (type == "softbreak") {
      tokens_.add(Markup::kText, "\n");
    } else if (type == "linebreak") {
      tokens_.add(Markup::kLineBreak);
    } else if (type == "thematic_break") {
      tokens_.add(Markup::kRule);
    } else if (type == "code") {
      tokens_.add(Markup::kCode, literal);
    } else if (type == "code_block") {
      tokens_.add(Markup::kCodeBlock, literal);
    } else if (type == "html_block" || type == "html_inline") {
      HtmlReader(tokens_, ends_at_.empty() ? 0 : ends_at_.back()).read(literal);
    } else {
      return false;
    }
    return true;
  }

  void container(cmark_node* node, std::string_view type) {
    const auto* known = std::ranges::find(kContainers, type, &NodeMarkup::type);
    if (known != kContainers.end()) {
      if (known->markup == Markup::kRow) column_ = 0;
      return tokens_.open(known->markup);
    }
    if (type == "paragraph" && !is_tight(node)) return tokens_.open(Markup::kParagraph);
    if (type == "heading")
      return tokens_.open(Markup::kHeading, std::to_string(cmark_node_get_heading_level(node)));
    if (type == "list") return list(node);
    if (type == "tasklist")
      return tokens_.open(Markup::kTask,
                          cmark_gfm_extensions_get_tasklist_item_checked(node) ? "x" : "");
    if (type == "table_cell") return cell(node);
    // A picture is what stands for it, and a link to it.
    if (type == "link" || type == "image") link(text_or_empty(cmark_node_get_url(node)));
  }

  // Whose item's list shows no paragraphs.
  static bool is_tight(cmark_node* paragraph) {
    cmark_node* list = cmark_node_parent(cmark_node_parent(paragraph));
    return list != nullptr && cmark_node_get_type(list) == CMARK_NODE_LIST &&
           cmark_node_get_list_tight(list) != 0;
  }

  void list(cmark_node* node) {
    if (cmark_node_get_list_type(node) == CMARK_ORDERED_LIST)
      return tokens_.open(Markup::kNumberedList, std::to_string(cmark_node_get_list_start(node)));
    tokens_.open(Markup::kList);
  }

  void cell(cmark_node* node) {
    cmark_node* row = cmark_node_parent(node);
    cmark_node* table = cmark_node_parent(row);
    const std::uint8_t* alignments = cmark_gfm_extensions_get_table_alignments(table);
    const bool is_known =
        alignments != nullptr && column_ < cmark_gfm_extensions_get_table_columns(table);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-bounds-pointer-arithmetic): as many as columns
    const char alignment = is_known ? static_cast<char>(alignments[column_++]) : '\0';
    const bool is_head = cmark_gfm_extensions_get_table_row_is_header(row) != 0;
    tokens_.open(is_head ? Markup::kHeadCell : Markup::kCell, side_of(alignment));
  }

  // Elsewhere there is nothing that we could know.
  void link(std::string_view url) {
    if (is_link(url)) tokens_.open(Markup::kLink, url);
  }

  TokenList tokens_;
  std::size_t column_ = 0;            ///< Of the next cell of the row.
  std::vector<std::size_t> ends_at_;  ///< Of each container that was entered, what was open before.
};

using Parser = std::unique_ptr<cmark_parser, decltype(&cmark_parser_free)>;
using Node = std::unique_ptr<cmark_node, decltype(&cmark_node_free)>;
using Iterator = std::unique_ptr<cmark_iter, decltype(&cmark_iter_free)>;

Node parse(std::string_view text) {
  cmark_gfm_core_extensions_ensure_registered();
  const Parser parser(cmark_parser_new(CMARK_OPT_DEFAULT), cmark_parser_free);
  for (const char* name : {"table", "strikethrough", "autolink", "tasklist"})
    cmark_parser_attach_syntax_extension(parser.get(), cmark_find_syntax_extension(name));
  cmark_parser_feed(parser.get(), text.data(), text.size());
  return {cmark_parser_finish(parser.get()), cmark_node_free};
}

// Whole lines, unless a single one is longer.
void cut(Document& document) {
  if (document.text.size() <= MarkupLimits::kText) return;
  document.is_cut = true;
  std::string head = base::cut_end(document.text, MarkupLimits::kText);
  const std::size_t line = head.rfind('\n');
  if (line != std::string::npos) head.resize(line + 1);
  document.text = std::move(head);
}

}  // namespace

Document read_markdown(std::string_view bytes) {
  Document document;
  const std::string_view enough = bytes.substr(0, MarkupLimits::kInput);
  document.is_cut = enough.size() < bytes.size();
  document.text = test_reports::clean_text(enough);
  cut(document);
  const Node root = parse(document.text);
  const Iterator iterator(cmark_iter_new(root.get()), cmark_iter_free);
  DocumentReader reader;
  for (cmark_event_type event = CMARK_EVENT_NONE;
       (event = cmark_iter_next(iterator.get())) != CMARK_EVENT_DONE && !reader.is_full();) {
    if (event == CMARK_EVENT_ENTER)
      reader.enter(cmark_iter_get_node(iterator.get()));
    else
      reader.leave();
  }
  document.is_cut = document.is_cut || reader.is_full();
  document.tokens = reader.take();
  return document;
}

}  // namespace stagebox::markdown
