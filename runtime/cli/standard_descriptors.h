// What a program has to do about descriptors that whoever started it had closed (`stagebox ...
// <&-`): the next file or socket that it opens would become its input or output.
#pragma once

namespace stagebox::cli {

/// Makes /dev/null of those of the descriptors 0, 1 and 2 that are not open. Before anything else
/// is opened.
void open_missing_standard_descriptors();

}  // namespace stagebox::cli
