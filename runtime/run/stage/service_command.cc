#include "runtime/run/stage/service_command.h"

namespace stagebox::run {

base::Result<StageCommand> make_service_command(const scheduler::Service& service,
                                                const images::ImageConfig& image,
                                                const std::string& home) {
  StageCommand command;
  if (service.run) {
    command.argv = service.run->arguments;
  } else {
    command.argv = image.entrypoint;
    command.argv.insert(command.argv.end(), image.cmd.begin(), image.cmd.end());
  }
  if (command.argv.empty())
    return base::invalid("the image " + service.image + " does not say what the service " +
                         service.name + " executes; give the service a `run`");
  command.environment = image_environment(image);
  command.environment.try_emplace("PATH", kDefaultPath);
  command.environment.try_emplace("HOME", home);
  for (const auto& [name, value] : service.env) command.environment[name] = value;
  command.workdir = image.working_dir.starts_with('/') ? image.working_dir : "/";
  return command;
}

std::string service_user(const scheduler::Service& service, const images::ImageConfig& image) {
  return user_text(service.user, image);
}

}  // namespace stagebox::run
