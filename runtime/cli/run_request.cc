#include "runtime/cli/run_request.h"

#include <nlohmann/json.hpp>

namespace stagebox::cli {

using nlohmann::json;

RunRequest request_of(const RunOptions& options) {
  return {options.pipeline.params, options.stages,           options.jobs,
          options.on_failure,      options.no_cache,         options.timeout,
          options.trust.policy,    options.explain_syscalls, options.project};
}

std::string encode_request(const RunRequest& request) {
  json params = json::array();
  for (const auto& [name, value] : request.params) params.push_back({name, value});
  json document{{"params", std::move(params)},
                {"stages", request.stages},
                {"jobs", request.jobs},
                {"keep_going", request.on_failure == OnFailure::kKeepGoing},
                {"no_cache", request.no_cache}};
  if (request.timeout) document["timeout"] = *request.timeout;
  if (request.policy) document["policy"] = *request.policy;
  if (request.explain_syscalls) document["explain_syscalls"] = true;
  if (request.project) document["project"] = *request.project;
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
    RunRequest request;
    request.params = document.at("params").get<decltype(RunRequest::params)>();
    request.stages = document.at("stages").get<decltype(RunRequest::stages)>();
    // Not kept by older Stageboxes.
    request.jobs = document.value("jobs", std::size_t{0});
    const bool keeps_going = document.value("keep_going", true);
    request.on_failure = keeps_going ? OnFailure::kKeepGoing : OnFailure::kFailFast;
    request.no_cache = document.value("no_cache", decltype(RunRequest::no_cache)());
    request.explain_syscalls = document.value("explain_syscalls", false);
    if (document.contains("timeout")) request.timeout = document["timeout"].get<std::string>();
    if (document.contains("policy")) request.policy = document["policy"].get<std::string>();
    if (document.contains("project")) request.project = document["project"].get<std::string>();
    return request;
  } catch (const json::exception&) {
    return damaged();
  }
}

}  // namespace stagebox::cli
