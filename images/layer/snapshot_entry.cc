#include "images/layer/snapshot_entry.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <vector>

#include "images/base/text.h"
#include "runtime/base/joined.h"

namespace stagebox::images {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

base::Error damaged() { return base::corrupt("the layer's snapshot is damaged"); }

bool is_plain(char letter) {
  return letter > ' ' && letter < 0x7f && letter != '\\' && letter != '=';
}

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    if (is_plain(letter)) {
      escaped += letter;
    } else {
      const auto byte = static_cast<unsigned char>(letter);
      escaped += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 0xfU]};
    }
  }
  return escaped;
}

template <typename Number>
base::Result<Number> number(std::string_view text, int radix = 10) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (error != std::errc() || end != text.data() + text.size()) return damaged();
  return value;
}

base::Result<std::string> unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      plain += text[i];
      continue;
    }
    if (text.substr(i, 2) != "\\x" || i + 4 > text.size()) return damaged();
    plain += static_cast<char>(TRY(number<unsigned char>(text.substr(i + 2, 2), 16)));
    i += 3;
  }
  return plain;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char letter : bytes) {
    const auto byte = static_cast<unsigned char>(letter);
    text += {kHex[byte >> 4U], kHex[byte & 0xfU]};
  }
  return text;
}

base::Result<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0) return damaged();
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes += static_cast<char>(TRY(number<unsigned char>(text.substr(i, 2), 16)));
  }
  return bytes;
}

std::string in_radix(std::uint64_t value, int radix) {
  std::array<char, 24> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, radix);
  return std::string(buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data()));
}

std::string time_text(const SnapshotEntry& entry) {
  const std::string fraction = std::to_string(entry.mtime_nanoseconds);
  return std::to_string(entry.mtime_seconds) + "." +
         std::string(9 - std::min<std::size_t>(9, fraction.size()), '0') + fraction;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t space = line.find(' ');
    fields.push_back(line.substr(0, space));
    if (space == std::string_view::npos) return fields;
    line.remove_prefix(space + 1);
  }
}

base::Result<void> take_extra(std::string_view field, SnapshotEntry& entry) {
  const std::size_t equals = field.find('=');
  if (equals == std::string_view::npos) return damaged();
  const std::string_view key = field.substr(0, equals);
  const std::string_view value = field.substr(equals + 1);
  if (key == "link") {
    entry.link = TRY(unescape(value));
  } else if (key == "same") {
    entry.same_as = TRY(unescape(value));
  } else if (key == "crc") {
    entry.crc = TRY(number<std::uint64_t>(value, 16));
  } else if (key.starts_with("x:")) {
    const std::string name = TRY(unescape(key.substr(2)));
    entry.xattrs[name] = TRY(unhex(value));
  } else {
    return damaged();
  }
  return {};
}

base::Result<void> take_time(std::string_view text, SnapshotEntry& entry) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return damaged();
  entry.mtime_seconds = TRY(number<std::int64_t>(text.substr(0, dot)));
  entry.mtime_nanoseconds = TRY(number<std::uint32_t>(text.substr(dot + 1)));
  return {};
}

std::string changed(const char* what, const std::string& now, const std::string& then) {
  return std::string("its ") + what + " is " + now + " and was " + then;
}

const char* type_name(char type) {
  switch (type) {
    case 'f':
      return "a file";
    case 'd':
      return "a directory";
    case 'l':
      return "a symbolic link";
    case 'p':
      return "a fifo";
    case 'c':
    case 'b':
      return "a device";
    default:
      return "something else";
  }
}

std::string describe_xattrs(const SnapshotEntry& then, const SnapshotEntry& now) {
  for (const auto& [name, value] : then.xattrs) {
    const auto found = now.xattrs.find(name);
    if (found == now.xattrs.end()) return "its attribute " + quote(name) + " is gone";
    if (found->second != value) return "its attribute " + quote(name) + " has changed";
  }
  for (const auto& [name, value] : now.xattrs) {
    if (!then.xattrs.contains(name)) return "it has a new attribute " + quote(name);
  }
  return "";
}

}  // namespace

std::string encode_entry(const SnapshotEntry& entry) {
  std::string line(1, entry.type);
  line += " " + in_radix(entry.mode, 8) + " " + std::to_string(entry.uid) + " " +
          std::to_string(entry.gid) + " " + std::to_string(entry.size) + " " + time_text(entry) +
          " " + escape(entry.path);
  if (!entry.link.empty()) line += " link=" + escape(entry.link);
  if (!entry.same_as.empty()) line += " same=" + escape(entry.same_as);
  if (entry.crc) line += " crc=" + in_radix(*entry.crc, 16);
  for (const auto& [name, value] : entry.xattrs) line += " x:" + escape(name) + "=" + hex(value);
  return line;
}

base::Result<SnapshotEntry> decode_entry(std::string_view line) {
  constexpr std::size_t kFixedFields = 7;
  const auto fields = fields_of(line);
  if (fields.size() < kFixedFields || fields[0].size() != 1) return damaged();
  SnapshotEntry entry;
  entry.type = fields[0].front();
  entry.mode = TRY(number<mode_t>(fields[1], 8));
  entry.uid = TRY(number<std::uint32_t>(fields[2]));
  entry.gid = TRY(number<std::uint32_t>(fields[3]));
  entry.size = TRY(number<std::uint64_t>(fields[4]));
  TRY(take_time(fields[5], entry));
  entry.path = TRY(unescape(fields[6]));
  for (std::size_t i = kFixedFields; i < fields.size(); ++i) TRY(take_extra(fields[i], entry));
  return entry;
}

std::string describe_difference(const SnapshotEntry& then, const SnapshotEntry& now) {
  if (now.type != then.type) {
    return std::string("it is ") + type_name(now.type) + " and was " + type_name(then.type);
  }
  std::vector<std::string> changes;
  const auto compare = [&](const char* what, const auto& is, const auto& was, const auto& show) {
    if (is != was) changes.push_back(changed(what, show(is), show(was)));
  };
  const auto octal = [](mode_t mode) { return in_radix(mode, 8); };
  const auto decimal = [](auto value) { return std::to_string(value); };
  compare("mode", now.mode, then.mode, octal);
  compare("owner", now.uid, then.uid, decimal);
  compare("group", now.gid, then.gid, decimal);
  compare("size", now.size, then.size, decimal);
  compare("time", time_text(now), time_text(then), [](const std::string& text) { return text; });
  compare(now.type == 'l' ? "target" : "number", now.link, then.link, quote);
  if (now.same_as != then.same_as) changes.emplace_back("its other names have changed");
  if (now.crc != then.crc) changes.emplace_back("its content has changed");
  const std::string xattrs = describe_xattrs(then, now);
  if (!xattrs.empty()) changes.push_back(xattrs);
  return base::joined(changes, ", ");
}

}  // namespace stagebox::images
