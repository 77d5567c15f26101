// StepRunner: carries out the steps of a plan one by one. It holds the few descriptors that steps
// share.
#pragma once

#include "sandbox/child/child_main.h"

namespace stagebox::sandbox::child {

class StepRunner {
 public:
  explicit StepRunner(const ChildContext& context) : context_(context) {}

  /// 0, or -errno. kStartStage and kExec are not for here.
  int run(const Step& step);

 private:
  static constexpr int kNotMine = 1;
  int run_namespace_step(const Step& step);
  int run_identity_step(const Step& step);
  int run_staging_step(const Step& step);
  int run_root_step(const Step& step);

  // step_identity.cc
  static int become_namespace_root(const Step& step);
  static int set_user(const Step& step, const char* packed_groups);
  static int bound_capabilities(const Step& step);
  static int drop_capabilities(const char* packed);
  static int new_session();
  int stdio(const Step& step) const;
  static int set_rlimit(const Step& step, const char* packed);
  int await_start() const;
  int seccomp(const Step& step, const char* filter) const;
  static int enter_workdir(const char* path);

  // step_mount.cc
  int mount_staging();
  int attach_staging(const Step& step, const char* dir);
  int mount_overlay(const Step& step, const char* dir, const char* options);
  int open_root(const char* dir);
  int make_dir(const char* path, unsigned mode);
  /// Mounts a new file system of the type on `path`; the detached mount's descriptor is put into
  /// `keep`, where there is one.
  int mount_new(const char* type, const Step& step, int* keep = nullptr);
  int bind_device(const Step& step, const char* path, const char* host_path);
  int bind_staging(const char* path, const char* source, unsigned attributes);
  int attach_prepared(const Step& step, const char* path);
  int attach_root(int mount_fd, const char* path, bool directory);
  int mount_tmpfs(const Step& step);
  int stage_from_root(const char* path, const char* dir);
  int stage_tmpfs(const char* dir, const char* options);
  int stage_upper(const Step& step, const char* dir, const char* like) const;
  int report_tmpfs() const;
  int symlink(const char* path, const char* content);
  int make_staging_file(const char* path, const char* content);
  int write_file(const char* path, const char* content);
  int enter_root();
  int open_entered_root();

  static int restrict_to_root(const Step& step);       // step_landlock.cc
  static int new_time_namespace(const char* offsets);  // step_time.cc

  // step_cover.cc
  int mask_path(const Step& step, const char* path);
  int cover_directory(int target);
  int make_path_read_only(const Step& step, const char* path) const;
  int make_root_read_only() const;
  int set_root_propagation(const Step& step) const;

  // step_terminal.cc
  int open_terminal(const Step& step);
  int bind_console();

  // step_settings.cc
  static int write_own_proc(const char* path, const char* content);
  static int set_sysctl(const char* path, const char* value);
  int open_proc(const Step& step);
  int set_security_label(const char* path, const char* content) const;

  // step_network.cc
  static int loopback_up();
  static int hand_out_listener(int channel, std::uint16_t port);
  static int hand_out_namespaces(int channel);

  static int make_unreachable(const char* packed, std::uint64_t count);  // step_routes.cc

  /// An O_PATH descriptor of a directory in root, made where it is missing; or -errno.
  int open_dir_in_root(const char* path, unsigned mode);
  /// The same for the directory that holds `path`; `name` is set to the last component.
  int open_parent_in_root(const char* path, const char** name);
  /// A descriptor of a file in root, made where it is missing, with its parents; or -errno.
  int open_file_in_root(const char* path, int flags);
  /// Attaches and closes `mount_fd`.
  int attach(int mount_fd, int dir_fd, const char* name);

  const ChildContext& context_;
  int staging_ = -1;
  int root_ = -1;
  int proc_ = -1;
  int private_proc_ = -1;  ///< That nothing is mounted in; until descriptors are closed.
  int empty_ = -1;         ///< The first mount of the directory that masks directories.
  int devpts_ = -1;        ///< Where this process has mounted it.
  int terminal_ = -1;      ///< The stage's end.
  int tmpfs_[kMaxTmpfs] = {};
  std::size_t tmpfs_count_ = 0;
};

/// Runs the whole plan as a process that has entered a sandbox; the plan ends with kExec. Never
/// returns.
[[noreturn]] void run_joined_process(const ChildContext& context);

}  // namespace stagebox::sandbox::child
