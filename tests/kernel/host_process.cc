#include "tests/kernel/host_process.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace stagebox::testing {
namespace {

std::string value_in(const std::string& file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  }
  return "";
}

}  // namespace

std::string pid_behind(int pidfd) {
  return value_in("/proc/self/fdinfo/" + std::to_string(pidfd), "Pid");
}

std::string status_of(const std::string& pid, const std::string& key) {
  return value_in("/proc/" + pid + "/status", key);
}

bool is_alive(const std::string& pid) {
  const std::string state = status_of(pid, "State");
  return !state.empty() && !state.starts_with("Z") && !state.starts_with("X");
}

bool descends_from_us(const std::string& pid) {
  const std::string own = std::to_string(::getpid());
  std::string parent = status_of(pid, "PPid");
  while (!parent.empty() && parent != "0" && parent != own) parent = status_of(parent, "PPid");
  return parent == own;
}

std::vector<std::string> processes(const std::function<bool(const std::string& pid)>& matches) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos && matches(name))
      found.push_back(name);
  }
  return found;
}

bool becomes_true(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::usleep(1000);
  }
  return true;
}

uid_t owner_of_memory(const std::string& pid) {
  struct stat status{};
  return ::stat(("/proc/" + pid + "/environ").c_str(), &status) == 0 ? status.st_uid
                                                                     : static_cast<uid_t>(-1);
}

}  // namespace stagebox::testing
