// The floor of every verified import: reads all layers of an image archive, inflates them and makes
// both hashes, as many layers at a time as there are processors, and writes nothing.
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

#include "images/archive_source.h"
#include "images/image_resolver.h"
#include "images/layer_reader.h"
#include "runtime/base/files.h"

namespace {

using stagebox::base::Result;
namespace images = stagebox::images;

Result<images::ResolvedImage> open_image(const std::string& path, const images::Limits& limits) {
  auto file = TRY(stagebox::base::open_path(path, O_RDONLY));
  const auto spool = TRY(stagebox::base::open_path("/tmp", O_RDONLY | O_DIRECTORY));
  const auto source = TRY(images::open_archive_source(std::move(file), spool.get(), limits, {}));
  return images::resolve_image(*source, {images::Platform::host(), {}, {}}, limits);
}

Result<void> read_layer(const images::LayerSource& source, const images::Limits& limits) {
  images::Budget budget(limits);
  const auto reader = TRY(images::LayerReader::open(source, budget));
  const auto found = TRY(reader->finish());
  return images::check_digests(source, found);
}

Result<void> read_layers(const images::ResolvedImage& image, const images::Limits& limits) {
  std::vector<Result<void>> results(image.layers.size(), Result<void>());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < results.size(); i = next++) {
      results[i] = read_layer(image.layers[i], limits);
    }
  };
  std::vector<std::thread> threads(std::max(1U, std::thread::hardware_concurrency()));
  for (std::thread& thread : threads) thread = std::thread(work);
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) TRY(result);
  return {};
}

Result<void> run(const std::string& path) {
  const images::Limits limits;
  const auto image = TRY(open_image(path, limits));
  return read_layers(image, limits);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: inflate_and_hash ARCHIVE\n";
    return 2;
  }
  const auto done = run(argv[1]);
  if (done.ok()) return 0;
  std::cerr << "inflate_and_hash: " << done.error().message << '\n';
  return 1;
}
