// TarHeader: one 512-byte header block of a tar archive, decoded and checked; and the records of a
// pax extended header. Format: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended
// Header"; GNU tar manual, "Basic Tar Format" (base-256 numbers).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::images {

constexpr std::size_t kTarBlock = 512;

struct TarHeader {
  std::string name;  ///< With the ustar prefix before it.
  std::string link;
  char type = '0';
  std::uint64_t size = 0;  ///< Bytes of data that follow.
};

bool is_zero_block(std::span<const std::byte, kTarBlock> block);
/// kInvalid when the checksum or a number is wrong.
base::Result<TarHeader> parse_tar_header(std::span<const std::byte, kTarBlock> raw);
/// Keyword to value. kInvalid when the records do not fill `text` exactly.
base::Result<std::map<std::string, std::string>> parse_pax_records(std::string_view text);

}  // namespace stagebox::images
