#include "images/stream/zstd_writer.h"

#include <zstd.h>

#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr std::size_t kOutBytes = 128UL << 10U;
constexpr int kLevel = 1;

}  // namespace

struct ZstdWriter::Context {
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> zstd{ZSTD_createCCtx(), ZSTD_freeCCtx};
};

ZstdWriter::ZstdWriter(int fd)
    : fd_(fd), context_(std::make_unique<Context>()), out_(kOutBytes, '\0') {
  (void)ZSTD_CCtx_setParameter(context_->zstd.get(), ZSTD_c_compressionLevel, kLevel);
  (void)ZSTD_CCtx_setParameter(context_->zstd.get(), ZSTD_c_checksumFlag, 1);
}

ZstdWriter::~ZstdWriter() = default;

base::Result<void> ZstdWriter::append(std::string_view data) { return compress(data, Flush::kNo); }

base::Result<void> ZstdWriter::finish() { return compress("", Flush::kEnd); }

base::Result<void> ZstdWriter::compress(std::string_view data, Flush flush) {
  ZSTD_inBuffer in{data.data(), data.size(), 0};
  const ZSTD_EndDirective directive = flush == Flush::kEnd ? ZSTD_e_end : ZSTD_e_continue;
  std::size_t left = 0;
  do {
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    left = ZSTD_compressStream2(context_->zstd.get(), &out, &in, directive);
    if (ZSTD_isError(left) != 0) {
      return base::Error{base::ErrorKind::kSystem, 0,
                         std::string("compress: ") + ZSTD_getErrorName(left)};
    }
    TRY(base::write_all(fd_, std::string_view(out_.data(), out.pos)));
  } while (in.pos < in.size || (flush == Flush::kEnd && left != 0));
  return {};
}

}  // namespace stagebox::images
