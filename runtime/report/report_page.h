// The HTML page around a run's data: a file that shows itself, without anything from elsewhere. Its
// Content-Security-Policy lets nothing run but the script that is part of Stagebox, by its digest.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::report {

/// `title` is any text. `data` is JSON; what is in it cannot end the element that it stands in.
std::string page_of(std::string_view title, std::string_view data);

/// The page's parts, made from the files in page/.
std::string_view page_script();
std::string_view page_style();

}  // namespace stagebox::report
