#include "runtime/cli/run_request.h"

#include <nlohmann/json.hpp>

namespace stagebox::cli {

using nlohmann::json;

std::string encode_request(const RunRequest& request) {
  json params = json::array();
  for (const auto& [name, value] : request.params) params.push_back({name, value});
  const json document{
      {"params", std::move(params)}, {"stages", request.stages}, {"no_cache", request.no_cache}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

base::Result<RunRequest> decode_request(const std::string& text) {
  if (text.empty()) {
    return base::invalid(
        "the run was begun by an older Stagebox, which did not keep what it was asked to do; start "
        "it again with `stagebox run`");
  }
  const auto damaged = [] { return base::corrupt("what the run was asked to do is damaged"); };
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return damaged();
  try {
    return RunRequest{document.at("params").get<decltype(RunRequest::params)>(),
                      document.at("stages").get<decltype(RunRequest::stages)>(),
                      document.value("no_cache", decltype(RunRequest::no_cache)())};
  } catch (const json::exception&) {
    return damaged();
  }
}

}  // namespace stagebox::cli
