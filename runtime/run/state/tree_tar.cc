#include "runtime/run/state/tree_tar.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ranges>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/files.h"

namespace stagebox::run {
namespace {

using base::Digest;
using base::Result;

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kLargestInOctal = 077777777777;  // eleven digits
constexpr long kTime = 946684800;                        // 2000-01-01, as stored files have it

/// Where in a ustar header a field is, and how long.
struct Field {
  std::size_t offset;
  std::size_t size;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kMtime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr std::size_t kType = 156;
constexpr Field kLink{157, 100};
constexpr std::size_t kMagic = 257;

struct Member {
  std::string name;
  char type = '0';  ///< '0' file, '2' symbolic link, '5' directory, 'x' extended header
  unsigned mode = 0644;
  std::uint64_t size = 0;
  std::string link = {};
};

using Header = std::array<char, kBlock>;

void put_text(Header& header, Field field, std::string_view text) {
  std::memcpy(header.data() + field.offset, text.data(), std::min(text.size(), field.size));
}

void put_number(Header& header, Field field, std::uint64_t number) {
  std::array<char, 24> digits{};
  (void)std::snprintf(digits.data(), digits.size(), "%0*llo", static_cast<int>(field.size - 1),
                      static_cast<unsigned long long>(number));
  put_text(header, field, std::string_view(digits.data()).substr(0, field.size - 1));
}

Header header_of(const Member& member) {
  Header header{};
  put_text(header, kName, member.name);
  put_number(header, kMode, member.mode);
  put_number(header, kUid, 0);
  put_number(header, kGid, 0);
  put_number(header, kSize, std::min(member.size, kLargestInOctal));
  put_number(header, kMtime, kTime);
  header[kType] = member.type;
  put_text(header, kLink, member.link);
  std::memcpy(header.data() + kMagic, "ustar\00000", 8);
  // Of all bytes, with the field itself as spaces.
  std::memset(header.data() + kChecksum.offset, ' ', kChecksum.size);
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  put_number(header, {kChecksum.offset, kChecksum.size - 1}, sum);
  header[kChecksum.offset + 6] = '\0';
  return header;
}

/// "LENGTH key=value\n", where LENGTH counts itself.
std::string record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length)
    length = std::to_string(length).size() + rest;
  std::string text = std::to_string(length);
  return text.append(" ").append(key).append("=").append(value).append("\n");
}

class TreeTar {
 public:
  TreeTar(const store::ContentStore& content, int fd) : content_(content), fd_(fd) {}

  Result<void> run(const store::StoredOutput& output) {
    if (output.kind == store::OutputKind::kFile) {
      const std::string& path = output.path.str();
      TRY(file({path.substr(path.rfind('/') + 1), output.digest, output.size, output.executable},
               ""));
    } else {
      TRY(tree(output.digest));
    }
    const std::string end(2 * kBlock, '\0');
    return base::write_all(fd_, end);
  }

 private:
  struct Pending {
    std::string path;  ///< with a slash at its end; "" for the root
    Digest digest;
  };

  // Depth first, each directory's own member before what is in it.
  Result<void> tree(const Digest& root) {
    std::vector<Pending> pending{{"", root}};
    while (!pending.empty()) {
      const Pending directory = std::move(pending.back());
      pending.pop_back();
      const store::DirectoryListing listing = TRY(content_.read_directory(directory.digest));
      if (!directory.path.empty()) TRY(begin({directory.path, '5', 0755}));
      for (const store::FileEntry& entry : listing.files) TRY(file(entry, directory.path));
      for (const store::SymlinkEntry& entry : listing.symlinks)
        TRY(begin({directory.path + entry.name, '2', 0777, 0, entry.target}));
      for (const auto& child : std::views::reverse(listing.directories))
        pending.push_back({directory.path + child.name + "/", child.digest});
    }
    return {};
  }

  Result<void> file(const store::FileEntry& entry, const std::string& directory) {
    const unsigned mode = entry.executable == store::Executable::kYes ? 0755 : 0644;
    TRY(begin({directory + entry.name, '0', mode, entry.size}));
    TRY(content_.write_file(entry.digest, entry.executable, fd_));
    return pad(entry.size);
  }

  Result<void> begin(const Member& member) {
    std::string extended;
    if (member.name.size() > kName.size) extended += record("path", member.name);
    if (member.link.size() > kLink.size) extended += record("linkpath", member.link);
    if (member.size > kLargestInOctal) extended += record("size", std::to_string(member.size));
    if (!extended.empty()) {
      TRY(write(header_of({"././@PaxHeader", 'x', 0644, extended.size()})));
      TRY(base::write_all(fd_, extended));
      TRY(pad(extended.size()));
    }
    return write(header_of(member));
  }

  Result<void> write(const Header& header) {
    return base::write_all(fd_, std::string_view(header.data(), header.size()));
  }

  Result<void> pad(std::uint64_t size) {
    const std::string zeros((kBlock - size % kBlock) % kBlock, '\0');
    return base::write_all(fd_, zeros);
  }

  const store::ContentStore& content_;
  int fd_;
};

}  // namespace

Result<void> write_tar(const store::ContentStore& content, const store::StoredOutput& output,
                       int fd) {
  return TreeTar(content, fd).run(output);
}

}  // namespace stagebox::run
