// StageCommand: what a stage executes and with which environment, decided from the pipeline and the
// image's configuration. Pure; it is part of the stage key.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "images/archive/image.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Where a stage's files are, in every sandbox.
inline constexpr char kWorkspace[] = "workspace";

/// For images that set none.
inline constexpr char kDefaultPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct StageCommand {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  std::string workdir;  ///< Absolute.
};

/// The environment is the image's, then ours (CI, HOME and PATH where the image has none), then the
/// stage's.
StageCommand make_stage_command(const scheduler::Stage& stage, const images::ImageConfig& image,
                                const std::string& home);

/// "NAME=value" entries as a map; malformed ones are left out.
std::map<std::string, std::string> image_environment(const images::ImageConfig& image);

/// What a `user` of the file means for an image, in the words of resolve_user().
std::string user_text(const scheduler::User& user, const images::ImageConfig& image);
std::string stage_user(const scheduler::Stage& stage, const images::ImageConfig& image);

}  // namespace stagebox::run
