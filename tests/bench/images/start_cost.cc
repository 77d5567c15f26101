// What a start pays for its image beside the mount: finding it by name and leasing its layers, many
// times; prints the median in microseconds.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "images/image_store.h"
#include "runtime/base/files.h"

namespace {

using stagebox::base::Result;
namespace images = stagebox::images;

constexpr int kRounds = 1001;

Result<double> median_microseconds(const std::string& home, const std::string& name) {
  const auto fd = TRY(stagebox::base::open_path(home, O_RDONLY | O_DIRECTORY));
  const auto store = TRY(images::ImageStore::open(fd.get(), images::LayerOwnership{}));
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto image = TRY(store.find(name));
    const auto rootfs = TRY(store.rootfs(image));
    const std::chrono::duration<double, std::micro> used = std::chrono::steady_clock::now() - start;
    times.push_back(used.count());
  }
  std::ranges::sort(times);
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: start_cost HOME IMAGE\n";
    return 2;
  }
  const auto median = median_microseconds(argv[1], argv[2]);
  if (!median.ok()) {
    std::cerr << "start_cost: " << median.error().message << '\n';
    return 1;
  }
  std::cout << *median << '\n';
  return 0;
}
