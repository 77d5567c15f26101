#include "images/tar/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <string_view>

#include "images/base/text.h"

namespace stagebox::images {
namespace {

// libarchive converts names to the thread's locale, and in a UTF-8 locale it also normalises them,
// which would make one file of two. In the "C" locale it gives up the conversion with a warning and
// leaves the bytes alone.
class CLocaleScope {
 public:
  CLocaleScope() : before_(::uselocale(c_locale())) {}
  CLocaleScope(const CLocaleScope&) = delete;
  CLocaleScope& operator=(const CLocaleScope&) = delete;
  ~CLocaleScope() { ::uselocale(before_); }

 private:
  static locale_t c_locale() {
    static const locale_t locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
    return locale;
  }
  locale_t before_;
};

std::string text_of(const char* text) { return text == nullptr ? "" : text; }

TarEntry::Type type_of(struct archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) return TarEntry::Type::kHardlink;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return TarEntry::Type::kFile;
    case AE_IFDIR:
      return TarEntry::Type::kDirectory;
    case AE_IFLNK:
      return TarEntry::Type::kSymlink;
    case AE_IFIFO:
      return TarEntry::Type::kFifo;
    case AE_IFCHR:
    case AE_IFBLK:
      return TarEntry::Type::kDevice;
    default:
      return TarEntry::Type::kUnknown;
  }
}

base::Result<std::vector<Xattr>> xattrs_of(struct archive_entry* entry, const Limits& limits) {
  std::vector<Xattr> xattrs;
  const int count = archive_entry_xattr_reset(entry);
  if (count > 0 && static_cast<std::uint64_t>(count) > limits.xattrs) {
    return base::invalid("it has more than " + std::to_string(limits.xattrs) +
                         " extended attributes");
  }
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (size > limits.xattr_bytes) {
      return base::invalid("its extended attribute " + quote(name) + " has more than " +
                           std::to_string(limits.xattr_bytes) + " bytes");
    }
    xattrs.push_back({name, std::string(static_cast<const char*>(value), size)});
  }
  return xattrs;
}

}  // namespace

struct TarReader::Impl {
  Impl(ByteStream& upstream, const Limits& the_limits)
      : stream(upstream), limits(the_limits), archive(archive_read_new(), archive_read_free) {}

  static la_ssize_t read(struct archive* archive, void* self, const void** buffer) {
    auto* impl = static_cast<Impl*>(self);
    auto piece = impl->stream.next();
    if (piece.ok() && impl->in_header) {
      impl->header_bytes += piece->size();
      if (impl->header_bytes > impl->limits.header_bytes + (2ULL << 20U)) {
        piece = base::invalid("the headers of one entry have more than " +
                              std::to_string(impl->limits.header_bytes) + " bytes");
      }
    }
    if (!piece.ok()) {
      impl->upstream_error = piece.error();
      archive_set_error(archive, EIO, "see upstream_error");
      return ARCHIVE_FATAL;
    }
    *buffer = piece->data();
    return static_cast<la_ssize_t>(piece->size());
  }

  // The error that counts: that of the bytes below, else libarchive's.
  [[nodiscard]] base::Error failure() const {
    if (upstream_error) return *upstream_error;
    const std::string why = text_of(archive_error_string(archive.get()));
    if (why == "Unrecognized archive format") return base::invalid("it is not a tar archive");
    return base::invalid("its tar archive is damaged or truncated: " + why);
  }

  base::Result<void> open() {
    archive_read_support_filter_none(archive.get());
    archive_read_support_format_tar(archive.get());
    archive_read_support_format_empty(archive.get());
    if (archive_read_open(archive.get(), this, nullptr, read, nullptr) != ARCHIVE_OK) {
      return failure();
    }
    opened = true;
    return {};
  }

  // A name that is not ASCII is the one thing that may be warned about.
  [[nodiscard]] bool is_harmless_warning() const {
    return text_of(archive_error_string(archive.get())).find("can't be converted from") !=
           std::string::npos;
  }

  base::Result<std::optional<TarEntry>> convert(struct archive_entry* entry) const {
    TarEntry result;
    result.path = text_of(archive_entry_pathname(entry));
    result.type = type_of(entry);
    result.mode = archive_entry_perm(entry) & 07777U;
    result.uid = archive_entry_uid(entry);
    result.gid = archive_entry_gid(entry);
    result.mtime = {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
    if (result.type == TarEntry::Type::kHardlink) {
      result.link_target = text_of(archive_entry_hardlink(entry));
    }
    if (result.type == TarEntry::Type::kSymlink) {
      result.link_target = text_of(archive_entry_symlink(entry));
    }
    if (result.type == TarEntry::Type::kFile) {
      const std::int64_t size = archive_entry_size(entry);
      if (size < 0) return base::invalid(quote(result.path) + " has a negative size");
      result.size = static_cast<std::uint64_t>(size);
    }
    auto xattrs = xattrs_of(entry, limits);
    if (!xattrs.ok()) return xattrs.error().with_context(quote(result.path));
    result.xattrs = std::move(*xattrs);
    return std::optional(std::move(result));
  }

  ByteStream& stream;
  const Limits& limits;
  std::unique_ptr<struct archive, int (*)(struct archive*)> archive;
  std::optional<base::Error> upstream_error;
  bool opened = false;
  bool in_header = false;
  std::uint64_t header_bytes = 0;
};

TarReader::TarReader(ByteStream& stream, const Limits& limits)
    : impl_(std::make_unique<Impl>(stream, limits)) {}

TarReader::~TarReader() = default;

base::Result<std::optional<TarEntry>> TarReader::next() {
  const CLocaleScope locale;
  if (!impl_->opened) {
    TRY(impl_->open());
  } else if (archive_read_data_skip(impl_->archive.get()) < ARCHIVE_WARN) {
    return impl_->failure();
  }
  struct archive_entry* entry = nullptr;
  impl_->in_header = true;
  impl_->header_bytes = 0;
  const int status = archive_read_next_header(impl_->archive.get(), &entry);
  impl_->in_header = false;
  if (status == ARCHIVE_EOF) return std::optional<TarEntry>();
  if (status != ARCHIVE_OK && (status != ARCHIVE_WARN || !impl_->is_harmless_warning())) {
    return impl_->failure();
  }
  return impl_->convert(entry);
}

base::Result<std::optional<TarReader::Data>> TarReader::next_data() {
  const void* buffer = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int status = archive_read_data_block(impl_->archive.get(), &buffer, &size, &offset);
  if (status == ARCHIVE_EOF) return std::optional<Data>();
  if (status != ARCHIVE_OK || offset < 0) return impl_->failure();
  // What is consumed ends where this block begins: a block is consumed with the next call.
  const la_int64_t consumed = archive_filter_bytes(impl_->archive.get(), 0);
  return std::optional(Data{std::span(static_cast<const std::byte*>(buffer), size),
                            static_cast<std::uint64_t>(offset),
                            static_cast<std::uint64_t>(consumed)});
}

}  // namespace stagebox::images
