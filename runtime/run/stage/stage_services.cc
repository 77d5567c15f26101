#include "runtime/run/stage/stage_services.h"

#include "runtime/run/stage/service_command.h"

namespace stagebox::run {

using base::Result;

Result<std::vector<PreparedService>> prepare_services(const scheduler::Stage& stage,
                                                      ImageProvider& images, UserTable& users,
                                                      std::uint32_t id_count) {
  std::vector<PreparedService> prepared;
  for (const scheduler::Service& service : stage.services) {
    PreparedService one;
    one.service = &service;
    one.image = TRY(images.get(service.image));
    const images::ImageConfig& config = one.image->image.config;
    one.user_text = service_user(service, config);
    one.user = TRY(users.get(service.image, one.user_text, one.image->rootfs.layers, id_count));
    one.command = TRY(make_service_command(service, config, one.user.home));
    prepared.push_back(std::move(one));
  }
  return prepared;
}

void add_service(const scheduler::Service& service, const images::Image& image,
                 const std::string& user, const StageCommand& command, store::ActionSpec& spec) {
  // No name of a service, a variable or a secret has a colon in it: nothing means two things.
  const std::string prefix = "service:" + service.name + ":";
  auto& platform = spec.platform;
  platform[prefix + "image"] = image.manifest_digest.oci();
  platform[prefix + "user"] = user;
  platform[prefix + "workdir"] = command.workdir;
  const std::string argument = prefix + "argument:";
  for (std::size_t i = 0; i < command.argv.size(); ++i)
    platform[argument + std::to_string(i)] = command.argv[i];
  const std::string variable = prefix + "env:";
  for (const auto& [name, value] : command.environment) platform[variable + name] = value;
  for (const scheduler::StageSecret& secret : service.secrets)
    platform[prefix + "secret:" + secret.name] = secret.env ? "env:" + *secret.env : "file";
}

std::vector<std::string> service_names(const scheduler::Stage& stage) {
  std::vector<std::string> names;
  names.reserve(stage.services.size());
  for (const scheduler::Service& service : stage.services) names.push_back(service.name);
  return names;
}

}  // namespace stagebox::run
