#include "runtime/store/content/directory_listing.h"

#include <set>

#include "runtime/base/printable.h"
#include "runtime/base/relative_path.h"
#include "runtime/store/content/reapi_codec.h"
#include "runtime/store/content/wire_writer.h"

namespace stagebox::store {
namespace {

using base::Result;

Result<void> check_list(const auto& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    TRY(check_entry_name(entries[i].name));
    if (i > 0 && entries[i].name <= entries[i - 1].name) {
      return base::corrupt("entries are not sorted or doubled at " +
                           base::printable(entries[i].name));
    }
  }
  return {};
}

/// A name stands in one of the three lists only.
Result<void> check_disjoint(const DirectoryListing& listing) {
  std::set<std::string_view> names;
  const auto add = [&names](const auto& entries) {
    bool fresh = true;
    for (const auto& entry : entries) fresh = names.insert(entry.name).second && fresh;
    return fresh;
  };
  const bool files = add(listing.files);
  const bool directories = add(listing.directories);
  const bool symlinks = add(listing.symlinks);
  if (files && directories && symlinks) return {};
  return base::corrupt("a name stands twice, as different kinds of entry");
}

Result<DirectoryListing> from_message(const reapi::Directory& message) {
  DirectoryListing listing;
  for (const auto& node : message.files()) {
    const BlobRef blob = TRY(get_digest(node.digest()));
    listing.files.push_back({node.name(), blob.digest, blob.size,
                             node.is_executable() ? Executable::kYes : Executable::kNo});
  }
  for (const auto& node : message.directories()) {
    const BlobRef blob = TRY(get_digest(node.digest()));
    listing.directories.push_back({node.name(), blob.digest, blob.size});
  }
  for (const auto& node : message.symlinks()) {
    if (node.target().empty() || node.target().find('\0') != std::string::npos) {
      return base::corrupt("a symbolic link has no valid target");
    }
    listing.symlinks.push_back({node.name(), node.target()});
  }
  return listing;
}

}  // namespace

Result<void> check_entry_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") {
    return base::invalid(base::printable(name) + " is not a name");
  }
  if (name.find('/') != std::string_view::npos || name.find('\0') != std::string_view::npos) {
    return base::invalid("the name " + base::printable(name) + " contains a slash or a NUL byte");
  }
  if (name.size() > base::RelativePath::kMaxComponent) {
    return base::invalid("the name " + base::printable(name) + " is longer than 255 bytes");
  }
  if (!base::is_utf8(name)) {
    return base::invalid("the name " + base::printable(name) +
                         " is not UTF-8, which stored trees (Remote Execution API) require");
  }
  return {};
}

std::string DirectoryListing::encode() const {
  std::string message;
  std::string node;
  WireWriter out(message);
  WireWriter inner(node);
  for (const FileEntry& file : files) {
    node.clear();
    inner.bytes_if_any(1, file.name);
    inner.digest(2, file.digest, file.size);
    inner.number_if_any(4, file.executable == Executable::kYes ? 1 : 0);
    out.bytes(1, node);
  }
  for (const DirectoryEntry& directory : directories) {
    node.clear();
    inner.bytes_if_any(1, directory.name);
    inner.digest(2, directory.digest, directory.size);
    out.bytes(2, node);
  }
  for (const SymlinkEntry& symlink : symlinks) out.pair(3, symlink.name, symlink.target);
  return message;
}

Result<DirectoryListing> DirectoryListing::decode(std::string_view message) {
  reapi::Directory decoded;
  if (!decode_message(decoded, message)) return base::corrupt("not a Directory message");
  auto listing = TRY(from_message(decoded));
  for (const auto& checked : {check_list(listing.files), check_list(listing.directories),
                              check_list(listing.symlinks), check_disjoint(listing)}) {
    if (!checked.ok()) return base::corrupt("bad Directory message: " + checked.error().message);
  }
  return listing;
}

}  // namespace stagebox::store
