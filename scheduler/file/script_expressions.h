// Expressions in `run:` scripts. A value never becomes part of a script, where it could be read as
// code: the expression is replaced by a reference to an environment variable, and the variable gets
// the value.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/file/expressions.h"

namespace stagebox::scheduler {

struct RewrittenScript {
  std::string text;
  std::map<std::string, std::string> variables;  ///< For the stage's environment.
  std::vector<ExpressionMistake> mistakes;
};

/// "STAGEBOX_PARAMS_BUILD_TYPE" for params.build_type, "STAGEBOX_ENV_CFLAGS" for env.CFLAGS.
std::string expression_variable(std::string_view space, std::string_view name);

/// Places where a shell would not replace the reference are mistakes.
RewrittenScript rewrite_script(std::string_view script, const ExpressionValues& values);

/// Whether `program` reads POSIX shell language, judged by its name.
bool is_posix_shell(std::string_view program);

}  // namespace stagebox::scheduler
