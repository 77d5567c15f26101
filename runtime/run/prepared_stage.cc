#include "runtime/run/prepared_stage.h"

#include <utility>

#include "runtime/run/stage/stage_key.h"
#include "runtime/store/action.h"

namespace stagebox::run {

base::Result<PreparedStage> prepare_stage(const scheduler::Stage& stage, const RunContext& run,
                                          const OutputTable& outputs, UserTable& users,
                                          const std::stop_token& stop) {
  PreparedStage prepared;
  prepared.image = TRY(run.images.get(stage.image));
  const images::Image& image = prepared.image->image;
  const InputSource host{run.project_fd, run.project_path, run.content, run.witness, stop};
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
