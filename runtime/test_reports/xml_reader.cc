#include "runtime/test_reports/xml_reader.h"

#include <expat.h>

#include <cerrno>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/test_reports/xml_repair.h"

namespace stagebox::test_reports {
namespace {

using base::Result;

struct ParserRelease {
  void operator()(XML_Parser parser) const { ::XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserRelease>;

std::string_view local_name(const char* name) {
  const std::string_view whole(name);
  const std::size_t colon = whole.rfind(':');
  return colon == std::string_view::npos ? whole : whole.substr(colon + 1);
}

// One reading: expat's callbacks, and what they found to be wrong.
class Reading {
 public:
  explicit Reading(XmlHandler& handler) : handler_(handler), parser_(::XML_ParserCreate("UTF-8")) {
    XML_Parser parser = parser_.get();
    if (parser == nullptr) return;
    ::XML_SetUserData(parser, this);
    ::XML_SetElementHandler(parser, start, end);
    ::XML_SetCharacterDataHandler(parser, text);
    // A DOCTYPE that only names a file is harmless, as that is never looked for.
    ::XML_SetParamEntityParsing(parser, XML_PARAM_ENTITY_PARSING_NEVER);
    ::XML_SetStartDoctypeDeclHandler(parser, doctype);
    ::XML_SetEntityDeclHandler(parser, entity);
    ::XML_SetSkippedEntityHandler(parser, skipped);
  }

  Result<void> read(std::string_view document) {
    if (!parser_) return base::system_error("make an XML parser", ENOMEM);
    constexpr std::size_t kPiece = std::size_t{1} << 20U;
    for (;;) {
      const std::string_view piece = document.substr(0, kPiece);
      document.remove_prefix(piece.size());
      const auto status = ::XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()),
                                      document.empty() ? 1 : 0);
      if (status != XML_STATUS_OK) return mistake();
      if (document.empty()) return {};
    }
  }

 private:
  static Reading& of(void* data) { return *static_cast<Reading*>(data); }

  static void start(void* data, const char* name, const char** attributes) {
    Reading& self = of(data);
    if (self.stopped_) return;
    if (++self.depth_ > XmlLimits::kDepth)
      return self.stop("elements are nested deeper than " + std::to_string(XmlLimits::kDepth));
    if (++self.elements_ > XmlLimits::kElements)
      return self.stop("more than " + std::to_string(XmlLimits::kElements) + " elements");
    self.check(self.handler_.on_start(local_name(name), XmlAttributes(attributes)));
  }
  static void end(void* data, const char* name) {
    Reading& self = of(data);
    if (self.stopped_) return;
    --self.depth_;
    self.check(self.handler_.on_end(local_name(name)));
  }
  static void text(void* data, const char* text, int size) {
    Reading& self = of(data);
    if (!self.stopped_) self.handler_.on_text({text, static_cast<std::size_t>(size)});
  }
  static void doctype(void* data, const char* /*name*/, const char* /*system*/,
                      const char* /*public_id*/, int has_internal_subset) {
    if (has_internal_subset != 0) of(data).stop("a DOCTYPE with declarations is not read");
  }
  static void entity(void* data, const char* /*name*/, int /*is_parameter*/, const char* /*value*/,
                     int /*length*/, const char* /*base*/, const char* /*system*/,
                     const char* /*public_id*/, const char* /*notation*/) {
    of(data).stop("entities cannot be declared");
  }
  static void skipped(void* data, const char* name, int /*is_parameter*/) {
    of(data).stop(std::string("the entity \"") + name + "\" is not known");
  }

  void check(Result<void> result) {
    if (!result.ok()) stop(std::move(result).error().message);
  }
  void stop(std::string reason) {
    if (stopped_) return;
    stopped_ = true;
    reason_ = std::move(reason);
    ::XML_StopParser(parser_.get(), XML_FALSE);
  }
  Result<void> mistake() {
    const auto line = ::XML_GetCurrentLineNumber(parser_.get());
    const char* said = ::XML_ErrorString(::XML_GetErrorCode(parser_.get()));
    const std::string reason = stopped_ ? reason_ : std::string(said == nullptr ? "" : said);
    return base::invalid("line " + std::to_string(line) + ": " + reason);
  }

  XmlHandler& handler_;
  Parser parser_;
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
  bool stopped_ = false;
  std::string reason_;
};

}  // namespace

std::optional<std::string_view> XmlAttributes::find(std::string_view name) const {
  for (const char* const* pair = pairs_; *pair != nullptr; pair += 2) {
    if (local_name(pair[0]) == name) return std::string_view(pair[1]);
  }
  return std::nullopt;
}

Result<void> read_xml(std::string_view document, XmlHandler& handler) {
  const std::string repaired = TRY(repaired_xml(document));
  return Reading(handler).read(repaired);
}

}  // namespace stagebox::test_reports
