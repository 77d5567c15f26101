#include "runtime/cli/command_line/command_groups.h"
#include "runtime/cli/command_line/command_set.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/cli/command_line/shared_options.h"

namespace stagebox::cli {
namespace {

void add_image_contents(CommandSet& commands, CLI::App* image) {
  auto [verify, verify_options] = commands.add<ImageVerifyOptions>(
      image, "verify", "Compare stored images, file by file, with what was imported");
  verify->add_option("IMAGE", verify_options.images, "Names or digests (default: all)");
  verify
      ->add_option("--repair", verify_options.repair_from,
                   "Unpack damaged layers of the one IMAGE again, from this archive of it")
      ->type_name("ARCHIVE");
  add_json(verify, verify_options.format);
  auto [exported, export_options] =
      commands.add<ImageExportOptions>(image, "export", "Write an image to an archive");
  exported->add_option("IMAGE", export_options.image, "Name or digest")->required();
  exported
      ->add_option("DEST", export_options.destination,
                   "A file that does not exist yet; - for standard output")
      ->required();
  auto* is_docker = &export_options.is_docker;
  exported
      ->add_option_function<std::string>(
          "--format", [is_docker](const std::string& text) { *is_docker = text[0] == 'd'; },
          "What to write (default: oci-archive)")
      ->check(quiet(CLI::IsMember({"oci-archive", "docker-archive"})))
      ->type_name("oci-archive|docker-archive");
  add_json(exported, export_options.format);
}

}  // namespace

void add_image(CommandSet& commands) {
  CLI::App* image = commands.add_group("image", "Manage imported images");
  auto [import, import_options] = commands.add<ImageImportOptions>(
      image, "import", "Import an OCI archive, docker-archive, OCI layout or root file system");
  import
      ->add_option("SOURCE", import_options.source,
                   "The archive or layout directory; - for standard input; ARCHIVE:REF for one "
                   "image of several")
      ->required();
  import
      ->add_option("--ref", import_options.reference,
                   "Of several images the one of this name, digest or number (@0)")
      ->type_name("REF");
  import
      ->add_option("--platform", import_options.platform,
                   "For which machine (default: this one), such as linux/arm64")
      ->type_name("OS/ARCH[/VARIANT]");
  import->add_flag("--rootfs", import_options.is_rootfs,
                   "SOURCE is a plain tar archive of a root file system");
  import->add_flag("--squash-ids", import_options.squash_ids,
                   "Give files of users and groups that are not mapped here to nobody, instead "
                   "of refusing the image");
  import->add_option("--name", import_options.name, "How to call it (default: the file's name)");
  import->add_option("--digest", import_options.digest, "Refuse anything else")
      ->type_name("sha256:HEX");
  add_json(import, import_options.format);
  auto [list, list_options] =
      commands.add<ImageListOptions>(image, "list", "List the imported images");
  add_json(list, list_options.format);
  auto [inspect, inspect_options] =
      commands.add<ImageInspectOptions>(image, "inspect", "Show what is known about an image");
  inspect->add_option("IMAGE", inspect_options.image, "Name or digest")->required();
  add_json(inspect, inspect_options.format);
  auto [remove, remove_options] =
      commands.add<ImageRemoveOptions>(image, "remove", "Forget an image");
  remove->add_option("IMAGE", remove_options.images, "Names or digests")->required();
  add_json(remove, remove_options.format);
  add_image_contents(commands, image);
}

}  // namespace stagebox::cli
