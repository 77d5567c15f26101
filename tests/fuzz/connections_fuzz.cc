// Fuzzes for_each_connection(): a proxy that was taken over can write what it likes; each line is
// told as an object with a verdict, and what is told is read back as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/run/engine/connections.h"

namespace {

using stagebox::run::Connection;
using stagebox::sandbox::network::verdict_of;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view log(reinterpret_cast<const char*>(data), size);
  std::string again;
  std::size_t lines = 0;
  (void)stagebox::run::for_each_connection(log, [&](const Connection& connection) {
    require(verdict_of(name_of(connection.verdict)) == connection.verdict);
    again += stagebox::run::connection_json(connection) + "\n";
    ++lines;
  });
  std::string once_more;
  require(stagebox::run::for_each_connection(again, [&](const Connection& connection) {
            once_more += stagebox::run::connection_json(connection) + "\n";
            --lines;
          }) == 0);
  // A port is told with its host only.
  require(lines == 0 && once_more == again);
  return 0;
}
