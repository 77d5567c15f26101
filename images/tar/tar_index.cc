#include "images/tar/tar_index.h"

#include <array>
#include <charconv>
#include <set>
#include <vector>

#include "images/base/text.h"
#include "images/tar/tar_header.h"

namespace stagebox::images {
namespace {

// Long names and pax headers: nobody needs more than some hundred bytes here.
constexpr std::uint64_t kLongestExtension = 1ULL << 20U;
constexpr int kMostHops = 8;

// "./a//b/../c" -> "a/c"; nullopt when it leads out of the archive.
std::optional<std::string> normal_name(std::string_view name) {
  std::vector<std::string_view> parts;
  while (!name.empty()) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
    if (part == "..") {
      if (parts.empty()) return std::nullopt;
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string joined;
  for (const std::string_view part : parts) {
    if (!joined.empty()) joined += '/';
    joined += part;
  }
  return joined;
}

bool is_document(std::string_view name) {
  return name == "index.json" || name == "manifest.json" || name == "oci-layout";
}

base::Error not_a_tar() {
  return base::invalid(
      "it is not a tar archive (expected an OCI archive, a docker-archive, or an OCI layout "
      "directory)");
}

}  // namespace

/// Walks the headers of one archive; the state is what extension headers said about the next one.
class TarIndexReader {
 public:
  TarIndexReader(FileRange archive, const Limits& limits) : limits_(limits) {
    index_.archive_ = std::move(archive);
  }

  base::Result<TarIndex> run() {
    while (position_ < size()) {
      std::array<std::byte, kTarBlock> block{};
      const std::size_t count = TRY(read_range(index_.archive_, position_, block));
      if (count < kTarBlock) return position_ == 0 ? not_a_tar() : truncated();
      if (is_zero_block(block)) {
        if (position_ == 0) return base::invalid("it is an empty tar archive");
        index_.has_end_marker_ = true;
        break;
      }
      auto header = parse_tar_header(block);
      if (!header.ok()) return position_ == 0 ? not_a_tar() : damaged(header.error());
      position_ += kTarBlock;
      TRY(take(*header));
    }
    if (size() == 0) return base::invalid("it is empty");
    return std::move(index_);
  }

 private:
  [[nodiscard]] std::uint64_t size() const { return index_.archive_.size; }
  [[nodiscard]] base::Error truncated() const {
    return base::invalid("the archive is truncated: it ends at byte " + std::to_string(size()) +
                         " within a member");
  }
  [[nodiscard]] base::Error damaged(const base::Error& error) const {
    return error.with_context("the archive is damaged at byte " + std::to_string(position_));
  }

  base::Result<void> take(const TarHeader& header) {
    if (header.type != 'L' && header.type != 'K' && header.type != 'x' && header.type != 'g') {
      return take_member(header);
    }
    const std::string content = TRY(extension(header));
    if (header.type == 'L') next_name_ = text(content);
    if (header.type == 'K') next_link_ = text(content);
    // Global headers ('g') say nothing about where members lie.
    if (header.type == 'x') return take_pax(content);
    return {};
  }

  static std::string text(const std::string& raw) { return raw.substr(0, raw.find('\0')); }

  base::Result<std::string> extension(const TarHeader& header) {
    const FileRange data = TRY(data_of(header.size));
    auto content = read_whole_range(data, kLongestExtension);
    if (!content.ok()) return damaged(content.error());
    return content;
  }

  base::Result<void> take_pax(const std::string& content) {
    auto records = parse_pax_records(content);
    if (!records.ok()) return damaged(records.error());
    for (auto& [key, value] : *records) {
      if (key == "path") next_name_ = value;
      if (key == "linkpath") next_link_ = value;
      if (key.starts_with("GNU.sparse.")) return base::invalid("the archive has sparse members");
      if (key != "size") continue;
      std::uint64_t parsed = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
      if (error != std::errc() || end != value.data() + value.size() || parsed >> 62U != 0) {
        return base::invalid("a pax header has an impossible size");
      }
      next_size_ = parsed;
    }
    return {};
  }

  base::Result<void> take_member(const TarHeader& header) {
    const std::string raw = std::exchange(next_name_, std::nullopt).value_or(header.name);
    const std::string link = std::exchange(next_link_, std::nullopt).value_or(header.link);
    const bool has_data = header.type == '0' || header.type == '7';
    const std::uint64_t bytes = std::exchange(next_size_, std::nullopt).value_or(header.size);
    if (header.type == 'S') return base::invalid("the archive has sparse members");
    // Links and directories have no data, whatever their size field says (POSIX).
    const FileRange data = TRY(data_of(has_data ? bytes : 0));
    const auto name = normal_name(raw);
    if (!name) return base::invalid("the archive has a member outside of it: " + quote(raw));
    if (is_document(*name) && index_.members_.contains(*name)) {
      return base::invalid("the archive has two members " + quote(*name));
    }
    TarIndex::Member member{data.offset, data.size, std::nullopt};
    if (header.type == '1') member.link = link;
    if (header.type == '2') member.link = beside(*name, link);
    if (has_data || member.link) index_.members_[*name] = std::move(member);
    if (++members_ > limits_.archive_members) {
      return base::invalid("the archive has more than " + std::to_string(limits_.archive_members) +
                           " members");
    }
    return {};
  }

  static std::string beside(const std::string& name, const std::string& target) {
    const std::size_t slash = name.rfind('/');
    return slash == std::string::npos ? target : name.substr(0, slash + 1) + target;
  }

  base::Result<FileRange> data_of(std::uint64_t bytes) {
    const std::uint64_t padded = (bytes + kTarBlock - 1) / kTarBlock * kTarBlock;
    if (bytes > size() - position_) return truncated();
    FileRange data{index_.archive_.file, index_.archive_.offset + position_, bytes};
    position_ = std::min(size(), position_ + padded);
    return data;
  }

  const Limits& limits_;
  TarIndex index_;
  std::uint64_t position_ = 0;
  std::uint64_t members_ = 0;
  std::optional<std::string> next_name_;
  std::optional<std::string> next_link_;
  std::optional<std::uint64_t> next_size_;
};

base::Result<TarIndex> TarIndex::read(FileRange archive, const Limits& limits) {
  return TarIndexReader(std::move(archive), limits).run();
}

base::Result<std::optional<FileRange>> TarIndex::find(const std::string& name) const {
  auto wanted = normal_name(name);
  for (int hops = 0; wanted && hops <= kMostHops; ++hops) {
    const auto member = members_.find(*wanted);
    if (member == members_.end()) return std::optional<FileRange>();
    if (!member->second.link) {
      return std::optional(FileRange{archive_.file, member->second.offset, member->second.size});
    }
    wanted = normal_name(*member->second.link);
  }
  return base::invalid("the member " + quote(name) +
                       " is a link that leads out of the archive or in a circle");
}

}  // namespace stagebox::images
