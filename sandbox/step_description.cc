#include "sandbox/step_description.h"

#include <array>
#include <string_view>

#include "sandbox/child/child_plan.h"

namespace stagebox::sandbox {
namespace {

using child::StepKind;

// The step's own path is told where the person who reads the error can do something with it.
enum class Path { kShown, kHidden };

struct Description {
  StepKind kind;
  std::string_view verb;
  Path path = Path::kHidden;
};

constexpr std::array kDescriptions{
    Description{StepKind::kBecomeNamespaceRoot, "become root of the user namespace"},
    Description{StepKind::kNewCgroupNamespace, "make a cgroup namespace"},
    Description{StepKind::kWriteOwnProc, "write", Path::kShown},
    Description{StepKind::kNewTimeNamespace, "make a time namespace"},
    Description{StepKind::kMakeMountsPrivate, "make all mounts private"},
    Description{StepKind::kMountStaging, "mount the staging directory"},
    Description{StepKind::kMakeStagingDir, "make a directory for a mount"},
    Description{StepKind::kMakeStagingFile, "write a file of the bottom layer"},
    Description{StepKind::kAttachStaging, "attach a layer, an input or the scratch directory"},
    Description{StepKind::kMountOverlay, "mount an overlay"},
    Description{StepKind::kOpenRoot, "open the root file system"},
    Description{StepKind::kMakeDir, "create the directory", Path::kShown},
    Description{StepKind::kMountTmpfs, "mount a tmpfs on", Path::kShown},
    Description{StepKind::kStageFromRoot, "copy for a tmpfs the directory", Path::kShown},
    Description{StepKind::kStageTmpfs, "mount a tmpfs for a copy"},
    Description{StepKind::kStageUpper, "make the directories of a copy"},
    Description{StepKind::kMountProc, "mount proc on", Path::kShown},
    Description{StepKind::kMountDevpts, "mount devpts on", Path::kShown},
    Description{StepKind::kMountMqueue, "mount mqueue on", Path::kShown},
    Description{StepKind::kMountSysfs, "mount sysfs on", Path::kShown},
    Description{StepKind::kMountCgroup, "mount cgroup v2 on", Path::kShown},
    Description{StepKind::kMaskPath, "mask the path", Path::kShown},
    Description{StepKind::kReadOnlyPath, "make read-only", Path::kShown},
    Description{StepKind::kMakeRootReadOnly, "make the root file system read-only"},
    Description{StepKind::kRootPropagation, "set the propagation of the root mount"},
    Description{StepKind::kBindDevice, "provide the device", Path::kShown},
    Description{StepKind::kBindStaging, "mount on", Path::kShown},
    Description{StepKind::kAttachRoot, "mount on", Path::kShown},
    Description{StepKind::kAttachRootFile, "mount on", Path::kShown},
    Description{StepKind::kOpenTerminal, "open a terminal of the sandbox's /dev/pts"},
    Description{StepKind::kBindConsole, "provide /dev/console"},
    Description{StepKind::kSymlink, "create the link", Path::kShown},
    Description{StepKind::kWriteFile, "write", Path::kShown},
    Description{StepKind::kLoopbackUp, "bring the loopback interface up"},
    Description{StepKind::kHandOutListener, "listen for the proxy"},
    Description{StepKind::kUnreachable, "make private addresses unreachable"},
    Description{StepKind::kReportTmpfs, "report the file systems in memory"},
    Description{StepKind::kHandOutNamespaces, "hand out the network namespace"},
    Description{StepKind::kSysctl, "set the sysctl", Path::kShown},
    Description{StepKind::kOpenProc, "open a /proc for the security label"},
    Description{StepKind::kMemoryPolicy, "set the memory policy"},
    Description{StepKind::kAffinity, "set the processors"},
    Description{StepKind::kSetHostname, "set the host name"},
    Description{StepKind::kSetDomainname, "set the domain name"},
    Description{StepKind::kEnterRoot, "enter the root file system"},
    Description{StepKind::kOpenEnteredRoot, "open the root file system"},
    Description{StepKind::kStartStage, "fork the stage's process"},
    Description{StepKind::kNewSession, "start a session"},
    Description{StepKind::kStdio, "set up standard input and output"},
    Description{StepKind::kRlimit, "set a resource limit"},
    Description{StepKind::kScheduler, "set the scheduling policy"},
    Description{StepKind::kIoPriority, "set the I/O priority"},
    Description{StepKind::kLinux32, "set the personality"},
    Description{StepKind::kCapabilityBounds, "drop capabilities"},
    Description{StepKind::kDropCapabilities, "set the capabilities"},
    Description{StepKind::kUmask, "set the umask"},
    Description{StepKind::kAwaitStart, "wait for the start"},
    Description{StepKind::kSetUser, "change to the stage's user"},
    Description{StepKind::kNoNewPrivileges, "set no_new_privs"},
    Description{StepKind::kWorkdir, "change to the working directory", Path::kShown},
    Description{StepKind::kLandlock, "restrict the stage to its root file system (Landlock)"},
    Description{StepKind::kSeccomp, "load the system call filter"},
    Description{StepKind::kExec, "execute", Path::kShown},
};

const Description& describe(StepKind kind) {
  static constexpr Description kUnknown{StepKind::kExec, "set up"};
  for (const Description& description : kDescriptions) {
    if (description.kind == kind) return description;
  }
  return kUnknown;
}

// What is written is the label, for AppArmor with a word before it.
std::string describe_label(const char* file, std::string_view written) {
  const bool is_apparmor = std::string_view(file).find("apparmor") != std::string_view::npos;
  const std::string_view label = is_apparmor ? written.substr(written.find(' ') + 1) : written;
  return (is_apparmor ? "set the AppArmor profile \"" : "set the SELinux label \"") +
         std::string(label) + "\"";
}

}  // namespace

std::string describe_step(const std::vector<std::byte>& plan, std::size_t index) {
  const child::PlanView view(plan.data());
  if (index >= view.header().step_count) return "set up the sandbox";
  const child::Step& step = view.step(static_cast<std::uint32_t>(index));
  if (step.kind == StepKind::kSecurityLabel)
    return describe_label(view.text(step.text1), view.text(step.text2));
  const Description& description = describe(step.kind);
  std::string text(description.verb);
  if (description.path == Path::kHidden) return text;
  std::string path = view.text(step.text1);
  const bool below_proc = step.kind == StepKind::kMaskPath || step.kind == StepKind::kReadOnlyPath;
  if (below_proc && step.number1 == 1) path.insert(0, "proc/");
  const bool in_root = step.kind != StepKind::kExec && !path.starts_with('/');
  return text.append(in_root ? " \"/" : " \"").append(path).append("\"");
}

bool is_step(const std::vector<std::byte>& plan, std::size_t index, child::StepKind kind) {
  const child::PlanView view(plan.data());
  return index < view.header().step_count &&
         view.step(static_cast<std::uint32_t>(index)).kind == kind;
}

}  // namespace stagebox::sandbox
