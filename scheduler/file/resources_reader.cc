#include "scheduler/file/resources_reader.h"

#include <string_view>

#include "scheduler/file/keys.h"
#include "scheduler/file/resource_ranges.h"
#include "scheduler/processor_list.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kResourcesExample = "{cpus: 2, memory: 1GiB}";

void read_cpuset(const YamlNode& node, const ValueReader& reader, Resources& resources) {
  const auto text = reader.word(node, "`cpuset`", "a list of processors");
  if (!text) return;
  if (parse_processor_list(*text)) {
    resources.cpuset = *text;
    resources.cpuset_position = node.position;
    return;
  }
  reader.diagnostics().add(node.position,
                           "`cpuset` must be a list of processors, found " + backquoted(*text),
                           "write for example \"0-3,6\"");
}

void read_cpu(const YamlNode& mapping, const ValueReader& reader, Resources& resources) {
  if (const YamlNode* node = mapping.find("cpus")) {
    resources.cpus = reader.number(*node, "`cpus`", kCpuRange);
    resources.cpus_position = node->position;
  }
  if (const YamlNode* node = mapping.find("cpu_weight"))
    resources.cpu_weight = reader.integer(*node, "`cpu_weight`", kWeightRange);
  if (const YamlNode* node = mapping.find("cpuset")) read_cpuset(*node, reader, resources);
  if (const YamlNode* node = mapping.find("cpu_time"))
    resources.cpu_time = reader.duration(*node, "`cpu_time`");
}

void read_storage(const YamlNode& mapping, const ValueReader& reader, Resources& resources) {
  if (const YamlNode* node = mapping.find("disk")) {
    resources.disk = reader.bytes(*node, "`disk`", kDiskRange);
    resources.disk_position = node->position;
  }
  if (const YamlNode* node = mapping.find("inodes"))
    resources.inodes = reader.integer(*node, "`inodes`", kInodesRange);
  if (const YamlNode* node = mapping.find("io_read"))
    resources.io_read = reader.bytes(*node, "`io_read`", kIoRange);
  if (const YamlNode* node = mapping.find("io_write"))
    resources.io_write = reader.bytes(*node, "`io_write`", kIoRange);
}

void read_memory(const YamlNode& mapping, const ValueReader& reader, Resources& resources) {
  if (const YamlNode* node = mapping.find("memory")) {
    resources.memory = reader.bytes(*node, "`memory`", kMemoryRange);
    resources.memory_position = node->position;
  }
  const YamlNode* node = mapping.find("shm_size");
  if (node == nullptr) return;
  resources.shm_size = reader.bytes(*node, "`shm_size`", kShmRange);
  resources.shm_size_position = node->position;
  if (resources.memory && resources.shm_size > resources.memory) {
    reader.diagnostics().add(node->position, "`shm_size` is more than `memory`",
                             "what is in /dev/shm counts as memory of the stage");
  }
}

void read_rest(const YamlNode& mapping, const ValueReader& reader, Resources& resources) {
  if (const YamlNode* node = mapping.find("pids"))
    resources.pids = reader.integer(*node, "`pids`", kPidsRange);
  if (const YamlNode* node = mapping.find("open_files")) {
    resources.open_files = reader.integer(*node, "`open_files`", kOpenFilesRange);
    resources.open_files_position = node->position;
  }
  if (const YamlNode* node = mapping.find("log"))
    resources.log = reader.bytes(*node, "`log`", kLogRange);
  if (const YamlNode* node = mapping.find("outputs"))
    resources.outputs = reader.integer(*node, "`outputs`", kOutputsRange);
}

}  // namespace

void read_resources(const YamlNode& node, const ValueReader& reader, Resources& resources) {
  if (!reader.expect_mapping(node, "`resources`", kResourcesExample)) return;
  check_keys(node, kResourceKeys, reader.diagnostics());
  read_cpu(node, reader, resources);
  read_memory(node, reader, resources);
  read_storage(node, reader, resources);
  read_rest(node, reader, resources);
}

}  // namespace stagebox::scheduler
