#include "runtime/run/prepared_stage.h"

#include <utility>
#include <vector>

#include "runtime/run/stage/stage_key.h"
#include "runtime/store/action.h"

namespace stagebox::run {
namespace {

// They would be in the store in plain, and in sight of stages that declare none.
std::vector<store::RefusedFile> files_of(const Secrets& secrets) {
  std::vector<store::RefusedFile> refused;
  for (const Secrets::File& file : secrets.files())
    refused.push_back({file.device, file.inode,
                       "where the secret " + file.name +
                           " comes from; exclude it from the input, or keep it elsewhere"});
  return refused;
}

}  // namespace

base::Result<PreparedStage> prepare_stage(const scheduler::Stage& stage, const RunContext& run,
                                          const OutputTable& outputs, UserTable& users,
                                          const std::stop_token& stop) {
  PreparedStage prepared;
  prepared.image = TRY(run.images.get(stage.image));
  const images::Image& image = prepared.image->image;
  const std::vector<store::RefusedFile> refused = files_of(run.secrets);
  const InputSource host{run.project_fd, run.project_path, run.content, run.witness, stop, refused};
  prepared.inputs = TRY(resolve_inputs(stage, outputs, host));
  const std::string user = stage_user(stage, image.config);
  const std::uint32_t id_count = run.launcher.ids().layer_count();
  prepared.user = TRY(users.get(stage.image, user, prepared.image->rootfs.layers, id_count));
  prepared.command = make_stage_command(stage, image.config, prepared.user.home);
  store::ActionSpec spec =
      make_action_spec(stage, prepared.command, user, image, prepared.inputs, run.domain);
  prepared.services = TRY(prepare_services(stage, run.images, users, id_count));
  for (const PreparedService& one : prepared.services)
    add_service(*one.service, one.image->image, one.user_text, one.command, spec);
  store::EncodedAction action = TRY(store::encode_action(spec));
  prepared.keys.own = action.action;
  prepared.messages = std::move(action.new_blobs);
  for (const base::TrustDomain& other : run.domain.also_reads()) {
    spec.salt = action_salt(stage, other);
    const store::EncodedAction readable = TRY(store::encode_action(spec));
    prepared.keys.others.push_back(readable.action);
  }
  return prepared;
}

}  // namespace stagebox::run
