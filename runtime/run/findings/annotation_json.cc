#include "runtime/run/findings/annotation_json.h"

#include <nlohmann/json.hpp>

namespace stagebox::run {

using nlohmann::json;

std::string annotation_json(const logs::Annotation& annotation) {
  json document{{"level", std::string(logs::level_name(annotation.level))},
                {"message", annotation.message}};
  if (!annotation.title.empty()) document["title"] = annotation.title;
  if (!annotation.file.empty()) document["file"] = annotation.file;
  if (annotation.line != 0) document["line"] = annotation.line;
  if (annotation.end_line != 0) document["end_line"] = annotation.end_line;
  if (annotation.column != 0) document["column"] = annotation.column;
  if (annotation.end_column != 0) document["end_column"] = annotation.end_column;
  if (!annotation.groups.empty()) document["groups"] = annotation.groups;
  // A stage's text can be any bytes.
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace stagebox::run
