#include "scheduler/file/service_reader.h"

#include <optional>
#include <string>
#include <utility>

#include "scheduler/file/command_reader.h"
#include "scheduler/file/keys.h"
#include "scheduler/file/names.h"
#include "scheduler/file/resources_reader.h"
#include "scheduler/file/secrets_reader.h"
#include "scheduler/file/stage_settings_reader.h"
#include "scheduler/file/user_reader.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kServicesExample = "{db: {image: pg, ready: {tcp: 5432}}}";
constexpr std::string_view kReadyExample = "{tcp: 5432, timeout: 30s}, or a script";
constexpr Range<std::uint64_t> kPorts{1, 65535, "ports of TCP"};
constexpr std::chrono::milliseconds kLeastInterval{10};

const std::vector<std::string>& shell() {
  static const std::vector<std::string> shell{"/bin/sh", "-eu"};
  return shell;
}

class ServiceReader {
 public:
  ServiceReader(const YamlEntry& entry, const ValueReader& reader)
      : node_(*entry.value), reader_(reader) {
    service_.name = entry.key->scalar();
    service_.position = entry.key->position;
  }

  Service read(const NamedValues& env) &&;

 private:
  void read_image();
  void read_resources_of(const YamlNode& node);
  std::optional<Argv> read_argv(const YamlNode& node, std::string_view what);
  void read_ready(const YamlNode& node);
  void read_check(const YamlNode& node);
  void read_times(const YamlNode& node);

  const YamlNode& node_;
  const ValueReader& reader_;
  Service service_;
};

Service ServiceReader::read(const NamedValues& env) && {
  check_name(NameKind::kService, service_.name, service_.position, reader_.diagnostics());
  if (!reader_.expect_mapping(node_, "the service " + backquoted(service_.name),
                              "{image: pg, ready: {tcp: 5432}}"))
    return std::move(service_);
  check_keys(node_, kServiceKeys, reader_.diagnostics());
  for (const auto& [name, value] : env) service_.env.emplace(name, value.value_or(""));
  read_image();
  if (const YamlNode* node = node_.find("run")) service_.run = read_argv(*node, "`run`");
  if (const YamlNode* node = node_.find("user")) service_.user = read_user(*node, reader_);
  if (const YamlNode* node = node_.find("resources")) read_resources_of(*node);
  if (const YamlNode* node = node_.find("secrets"))
    service_.secrets = read_secrets(*node, reader_, service_.env);
  if (const YamlNode* node = node_.find("ready")) read_ready(*node);
  return std::move(service_);
}

void ServiceReader::read_image() {
  const YamlNode* node = node_.find("image");
  if (node == nullptr) {
    reader_.diagnostics().add(service_.position,
                              "the service " + backquoted(service_.name) + " has no `image`",
                              "name one of the `images`");
    return;
  }
  service_.image_position = node->position;
  service_.image = reader_.word(*node, "`image`", "the name of one of the `images`").value_or("");
}

void ServiceReader::read_resources_of(const YamlNode& node) {
  read_resources(node, reader_, service_.resources);
  if (service_.resources.outputs)
    reader_.diagnostics().add(node.find("outputs")->position, "a service has no outputs",
                              "limit what it may write with `disk` and `inodes`");
}

// What its expressions became is in the service's environment, where its checks find it too.
std::optional<Argv> ServiceReader::read_argv(const YamlNode& node, std::string_view what) {
  auto command = read_command(node, what, shell(), reader_);
  if (!command) return std::nullopt;
  service_.env.merge(command->variables);
  if (auto* argv = std::get_if<Argv>(&command->command)) return std::move(*argv);
  Argv argv{shell()};
  argv.arguments.insert(argv.arguments.end(),
                        {"-c", std::move(std::get<Script>(command->command).text)});
  return argv;
}

void ServiceReader::read_ready(const YamlNode& node) {
  if (!node.is_mapping()) {
    if (auto argv = read_argv(node, "`ready`")) service_.ready.check = std::move(*argv);
    return;
  }
  check_keys(node, kReadyKeys, reader_.diagnostics());
  read_check(node);
  read_times(node);
}

void ServiceReader::read_check(const YamlNode& node) {
  const YamlNode* run = node.find("run");
  const YamlNode* tcp = node.find("tcp");
  if ((run == nullptr) == (tcp == nullptr)) {
    reader_.diagnostics().add(
        node.position,
        run == nullptr ? "`ready` says nothing to wait for" : "`ready` has both `run` and `tcp`",
        "write for example " + std::string(kReadyExample));
    return;
  }
  if (run != nullptr) {
    if (auto argv = read_argv(*run, "`run`")) service_.ready.check = std::move(*argv);
  } else if (const auto port = reader_.integer(*tcp, "`tcp`", kPorts)) {
    service_.ready.check = static_cast<std::uint16_t>(*port);
  }
}

void ServiceReader::read_times(const YamlNode& node) {
  ServiceReady& ready = service_.ready;
  if (const YamlNode* timeout = node.find("timeout"))
    ready.timeout = reader_.duration(*timeout, "`timeout`");
  const YamlNode* interval = node.find("interval");
  if (interval == nullptr) return;
  ready.interval = reader_.duration(*interval, "`interval`").value_or(ready.interval);
  if (ready.interval < kLeastInterval)
    reader_.diagnostics().add(interval->position, "`interval` must be at least 10ms",
                              "checks without a pause take the processor from the service");
}

}  // namespace

std::vector<Service> read_services(const YamlNode& node, FileContext& context) {
  std::vector<Service> services;
  const ExpressionValues outside(context.params, context.budget, EnvUse::kForbidden, nullptr,
                                 context.matrix, &context.run);
  const ValueReader form(context.diagnostics, outside);
  if (!form.expect_mapping(node, "`services`", kServicesExample) ||
      !context.within(node.entries().size(), FileLimits::kServices, "services", node.position))
    return services;
  for (const YamlEntry& entry : node.entries()) {
    if (entry.duplicate || context.budget.spent()) continue;
    const NamedValues env = read_env({entry.value, nullptr}, context);
    const ExpressionValues values(context.params, context.budget, EnvUse::kStage, &env,
                                  context.matrix, &context.run);
    services.push_back(ServiceReader(entry, ValueReader(context.diagnostics, values)).read(env));
  }
  return services;
}

}  // namespace stagebox::scheduler
