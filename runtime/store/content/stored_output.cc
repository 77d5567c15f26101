#include "runtime/store/content/stored_output.h"

#include "runtime/base/printable.h"

namespace stagebox::store {

std::string_view output_kind_name(OutputKind kind) {
  return kind == OutputKind::kFile ? "file" : "directory";
}

base::Result<OutputKind> parse_output_kind(std::string_view name) {
  for (const OutputKind kind : {OutputKind::kFile, OutputKind::kDirectory}) {
    if (name == output_kind_name(kind)) return kind;
  }
  return base::corrupt(base::printable(name) + " is not a kind of output");
}

}  // namespace stagebox::store
