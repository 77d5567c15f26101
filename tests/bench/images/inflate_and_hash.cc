// The floors of every verified import: reads all layers of an image archive, inflates them and
// makes both hashes, as many layers at a time as there are processors, and writes nothing; with
// --stored, makes one pass of hashing over the archive and inflates nothing.
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <string_view>
#include <thread>
#include <vector>

#include "images/archive/archive_source.h"
#include "images/archive/image_resolver.h"
#include "images/layer/layer_reader.h"
#include "runtime/base/files.h"

namespace {

using stagebox::base::Result;
namespace images = stagebox::images;

Result<images::ResolvedImage> open_image(const std::string& path, const images::Limits& limits) {
  auto file = TRY(stagebox::base::open_path(path, O_RDONLY));
  const auto refuse = [](const images::FileRange&) -> Result<stagebox::base::UniqueFd> {
    return stagebox::base::invalid("it is compressed as a whole");
  };
  const auto source = TRY(images::open_archive_source(std::move(file), refuse, limits));
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

Result<void> hash_stored(const std::string& path) {
  auto file = TRY(stagebox::base::open_path(path, O_RDONLY));
  const auto whole = TRY(images::whole_file(std::move(file)));
  images::RangeStream bytes(whole);
  images::HashedStream hashed(bytes);
  for (bool at_end = false; !at_end;) {
    const auto piece = TRY(hashed.next());
    at_end = piece.empty();
  }
  (void)hashed.finish();
  return {};
}

Result<void> run(const std::string& path) {
  const images::Limits limits;
  const auto image = TRY(open_image(path, limits));
  return read_layers(image, limits);
}

}  // namespace

int main(int argc, char** argv) {
  const bool stored_only = argc == 3 && std::string_view(argv[1]) == "--stored";
  if (argc != 2 && !stored_only) {
    std::cerr << "usage: inflate_and_hash [--stored] ARCHIVE\n";
    return 2;
  }
  const auto done = stored_only ? hash_stored(argv[2]) : run(argv[1]);
  if (done.ok()) return 0;
  std::cerr << "inflate_and_hash: " << done.error().message << '\n';
  return 1;
}
