#include <nlohmann/json.hpp>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <vector>

#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/json_text.h"
#include "runtime/run/engine/local_engine.h"
#include "sandbox/network/nat_session.h"
#include "sandbox/network/proxy_check.h"
#include "sandbox/self_check.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;
using State = sandbox::Check::State;

const char* state_name(State state) {
  switch (state) {
    case State::kEnforced:
      return "enforced";
    case State::kDegraded:
      return "degraded";
    case State::kRefused:
      break;
  }
  return "refused";
}

void print_checks_as_json(const std::vector<sandbox::Check>& checks) {
  json document = json::array();
  for (const sandbox::Check& check : checks) {
    document.push_back({{"name", check.name},
                        {"state", state_name(check.state)},
                        {"detail", check.detail},
                        {"remedy", check.remedy}});
  }
  std::cout << pretty(document);
}

// A remedy that serves several checks in a row stands once, below the last of them.
void print_checks(const std::vector<sandbox::Check>& checks) {
  for (auto check = checks.begin(); check != checks.end(); ++check) {
    std::cout << std::left << std::setw(10) << state_name(check->state) << std::setw(22)
              << check->name << check->detail << '\n';
    const auto next = std::next(check);
    const bool repeated = next != checks.end() && next->remedy == check->remedy;
    if (check->state == State::kEnforced || check->remedy.empty() || repeated) continue;
    std::cout << std::setw(32) << "" << "remedy: " << check->remedy << '\n';
  }
}

sandbox::Check check_layers(const images::ImageStore& store) {
  const std::string why = store.why_directories();
  if (why.empty()) {
    return {"layers", State::kEnforced, "imports write EROFS images, which are mounted", ""};
  }
  return {"layers", State::kDegraded, "imports write directories, which takes longer: " + why,
          "root, Linux 6.15 with CONFIG_EROFS_FS and CONFIG_EROFS_FS_BACKED_BY_FILE"};
}

}  // namespace

Result<int> doctor_command(const DoctorOptions& options) {
  const auto engine = TRY(run::LocalEngine::open({.networking = run::Networking::kYes}));
  auto checks = sandbox::self_check(engine->ids(), engine->fork_server(), engine->cgroups(),
                                    engine->scratch_dir());
  checks.push_back(sandbox::network::check_allow_list(engine->proxy_server()));
  checks.push_back(sandbox::network::check_nat());
  checks.push_back(check_layers(engine->images()));
  if (options.format == OutputFormat::kJson) {
    print_checks_as_json(checks);
  } else {
    print_checks(checks);
  }
  const bool usable = std::ranges::none_of(checks, [](const sandbox::Check& check) {
    return check.name == "sandbox" && check.state == State::kRefused;
  });
  return usable ? kSuccess : kOurFailure;
}

}  // namespace stagebox::cli
