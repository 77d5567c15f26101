// The files in page/ as read-only data of this program (see CMakeLists.txt). The scripts follow one
// another in the order in which they need one another; they share one scope.
#include <cstddef>

#include "runtime/report/report_page.h"

__asm__(
    ".pushsection .rodata\n"
    "stagebox_page_style_begin:\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/report.css\"\n"
    "stagebox_page_style_end:\n"
    "stagebox_page_script_begin:\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/dom.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/data.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/graph.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/timeline.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/ansi.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/commands.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/log.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/markup.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/details.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/list.js\"\n"
    ".incbin \"" STAGEBOX_PAGE_DIR
    "/report.js\"\n"
    "stagebox_page_script_end:\n"
    ".popsection\n");
extern "C" {
extern const char stagebox_page_style_begin;
extern const char stagebox_page_style_end;
extern const char stagebox_page_script_begin;
extern const char stagebox_page_script_end;
}

namespace stagebox::report {

std::string_view page_style() {
  const char* begin = &stagebox_page_style_begin;
  return {begin, static_cast<std::size_t>(&stagebox_page_style_end - begin)};
}

std::string_view page_script() {
  const char* begin = &stagebox_page_script_begin;
  return {begin, static_cast<std::size_t>(&stagebox_page_script_end - begin)};
}

}  // namespace stagebox::report
