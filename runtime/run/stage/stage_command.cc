#include "runtime/run/stage/stage_command.h"

namespace stagebox::run {
namespace {

struct UserText {
  const images::ImageConfig& image;
  std::string operator()(const scheduler::ImageUser& /*user*/) const { return image.user; }
  std::string operator()(const scheduler::NumericUser& user) const {
    const std::string uid = std::to_string(user.uid);
    return user.gid ? uid + ":" + std::to_string(*user.gid) : uid;
  }
  std::string operator()(const scheduler::NamedUser& user) const { return user.name; }
};

struct Arguments {
  const std::vector<std::string>& shell;
  std::vector<std::string> operator()(const scheduler::Script& script) const {
    std::vector<std::string> argv = shell;
    argv.insert(argv.end(), {"-c", script.text});
    return argv;
  }
  std::vector<std::string> operator()(const scheduler::Argv& argv) const { return argv.arguments; }
};

}  // namespace

std::map<std::string, std::string> image_environment(const images::ImageConfig& image) {
  std::map<std::string, std::string> environment;
  for (const std::string& entry : image.env) {
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos && equals != 0)
      environment[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return environment;
}

StageCommand make_stage_command(const scheduler::Stage& stage, const images::ImageConfig& image,
                                const std::string& home) {
  StageCommand command;
  command.argv = std::visit(Arguments{stage.shell}, stage.run);
  command.environment = image_environment(image);
  command.environment.try_emplace("PATH", kDefaultPath);
  command.environment.try_emplace("HOME", home);
  command.environment.try_emplace("CI", "true");
  for (const auto& [name, value] : stage.env) command.environment[name] = value;
  command.workdir = "/" + std::string(kWorkspace);
  if (!stage.workdir.is_self()) command.workdir += "/" + stage.workdir.str();
  return command;
}

std::string user_text(const scheduler::User& user, const images::ImageConfig& image) {
  return std::visit(UserText{image}, user);
}

std::string stage_user(const scheduler::Stage& stage, const images::ImageConfig& image) {
  return user_text(stage.user, image);
}

}  // namespace stagebox::run
