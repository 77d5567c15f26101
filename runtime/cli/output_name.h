// How a stored output is called on the command line.
#pragma once

#include <string>

#include "runtime/store/runs/run_types.h"

namespace stagebox::cli {

/// STAGE.OUTPUT
inline std::string name_of_output(const store::OutputRow& row) {
  return row.stage + "." + row.output.name;
}

}  // namespace stagebox::cli
