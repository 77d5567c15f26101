#include "runtime/report/report_page.h"

#include <array>
#include <cstdint>
#include <span>

#include "runtime/base/digest.h"
#include "runtime/base/printable.h"

namespace stagebox::report {
namespace {

// RFC 4648, section 4.
std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8U) | (i + k < bytes.size() ? bytes[i + k] : 0U);
    for (unsigned k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : kAlphabet[(group >> (18 - 6 * k)) & 0x3fU];
  }
  return text;
}

// As a source in a policy (CSP Level 3, "hash-source").
std::string hash_source(std::string_view content) {
  return "'sha256-" + base64(base::Sha256::of(content).bytes()) + "'";
}

// U+FFFD when it is not UTF-8 as a whole: it is a title, not data.
std::string escaped(std::string_view text) {
  if (!base::is_utf8(text)) return "\xef\xbf\xbd";
  std::string html;
  for (const char c : text) {
    if (c == '<')
      html += "&lt;";
    else if (c == '&')
      html += "&amp;";
    else
      html += c;
  }
  return html;
}

// In JSON "<" stands in strings only, and without it there is no "</script" and no "<!--" (HTML
// standard, "Restrictions for contents of script elements").
void append_data(std::string& page, std::string_view json) {
  for (std::size_t at = 0;;) {
    const std::size_t next = json.find('<', at);
    page += json.substr(at, next - at);
    if (next == std::string_view::npos) return;
    page += "\\u003c";
    at = next + 1;
  }
}

}  // namespace

std::string page_of(std::string_view title, std::string_view data) {
  std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src " +
          hash_source(page_script()) + "; style-src " + hash_source(page_style()) +
          "; base-uri 'none'; form-action 'none'\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  page += "<meta name=\"referrer\" content=\"no-referrer\">\n";
  page += "<title>" + escaped(title) + "</title>\n<style>";
  page += page_style();
  page +=
      "</style>\n</head>\n<body>\n<noscript>This report is drawn by its script, which this "
      "browser does not run.</noscript>\n<script type=\"application/json\" id=\"data\">";
  append_data(page, data);
  page += "</script>\n<script>";
  page += page_script();
  page += "</script>\n</body>\n</html>\n";
  return page;
}

}  // namespace stagebox::report
