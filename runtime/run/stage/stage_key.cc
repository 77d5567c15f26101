#include "runtime/run/stage/stage_key.h"

#include "runtime/base/capabilities.h"

namespace stagebox::run {
namespace {

store::InputNode input_node(const ResolvedInput& input) {
  const store::StoredOutput& content = input.content;
  if (content.kind == store::OutputKind::kDirectory) {
    return {input.input.at, store::InputTree{content.digest, content.size}};
  }
  return {input.input.at, store::InputFile{content.digest, content.size, content.executable}};
}

}  // namespace

store::ActionSpec make_action_spec(const scheduler::Stage& stage, const StageCommand& command,
                                   const std::string& user, const images::Image& image,
                                   const std::vector<ResolvedInput>& inputs,
                                   const base::TrustDomain& domain) {
  store::ActionSpec spec;
  spec.arguments = command.argv;
  spec.environment = command.environment;
  for (const scheduler::Output& output : stage.outputs) {
    if (output.is_result()) spec.output_paths.push_back(output.path);
  }
  spec.working_directory = stage.workdir.str();
  spec.platform = {{"container-image", image.manifest_digest.oci()},
                   {"network", stage.network.text()},
                   {"user", user}};
  if (stage.capabilities != 0)
    spec.platform["capabilities"] = base::capabilities_text(stage.capabilities);
  for (const ResolvedInput& input : inputs) {
    spec.inputs.push_back(input_node(input));
    // Whether an input can be written to decides what a command does with it.
    if (input.input.mode == scheduler::InputMode::kOverlay)
      spec.platform["overlay:" + input.input.at.str()] = "true";
  }
  // That it has a secret, not which: values are no part of the key.
  for (const scheduler::StageSecret& secret : stage.secrets)
    spec.platform["secret:" + secret.name] = secret.env ? "env:" + *secret.env : "file";
  // They are a part of the result, which has to have all that is declared.
  const auto add_reports = [&spec](const std::string& kind, const auto& declared) {
    for (const scheduler::DeclaredReports& reports : declared)
      spec.platform[kind + reports.text()] = reports.required ? "required" : "optional";
  };
  add_reports("tests:", stage.tests);
  add_reports("coverage:", stage.coverage);
  add_reports("summary:", stage.summary);
  spec.salt = action_salt(stage, domain);
  return spec;
}

std::string action_salt(const scheduler::Stage& stage, const base::TrustDomain& domain) {
  // No domain has a line break in its text, so that no salt can make one domain of another.
  return stage.salt.empty() ? domain.text() : domain.text() + "\n" + stage.salt;
}

}  // namespace stagebox::run
