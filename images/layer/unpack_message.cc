#include "images/layer/unpack_message.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"

namespace stagebox::images {
namespace {

static_assert(std::is_trivially_copyable_v<UnpackRequest>);
static_assert(std::is_trivially_copyable_v<UnpackReply>);
static_assert(std::is_trivially_copyable_v<UnpackProgress>);

constexpr std::size_t kArchive = 0;
constexpr std::size_t kLayer = 1;  // or the copy
constexpr std::size_t kParents = 2;
constexpr std::size_t kList = 2;  // beside a copy

template <std::size_t kSize>
void put_text(std::array<char, kSize>& into, const std::string& text) {
  text.copy(into.data(), kSize - 1);  // the rest is zero
}

template <std::size_t kSize>
std::string get_text(const std::array<char, kSize>& from) {
  return {from.data(), ::strnlen(from.data(), kSize)};
}

template <typename Message>
base::Result<Message> message_of(std::span<const std::byte> bytes) {
  Message message{};
  if (bytes.size() != sizeof(message)) return base::system_error("read a message", EBADMSG);
  std::memcpy(&message, bytes.data(), sizeof(message));
  return message;
}

// What a terminal could take for a command is gone. (Names in messages are quoted where the message
// is made; here nobody is trusted to have done so.)
std::string harmless(std::string text) {
  const bool keep_high = base::is_utf8(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 = byte == 0xc2 && i + 1 < text.size() &&
                       static_cast<unsigned char>(text[i + 1]) < 0xa0;  // U+0080 to U+009F
    if (byte < 0x20 || byte == 0x7f || is_c1 || (byte >= 0x80 && !keep_high)) text[i] = '?';
    if (is_c1) text[i + 1] = '?';
  }
  return text;
}

base::Error broken() {
  return base::invalid(
      "the process that unpacked it ended without a result: the layer needs more memory or time "
      "than one may have, or it is made to attack whoever unpacks it");
}

base::Error silent() {
  base::Error error = broken();
  error.errno_value = kUnpackerSilent;
  return error;
}

base::Error error_of(const UnpackReply& reply) {
  base::Error error = base::invalid(harmless(get_text(reply.message)));
  if (reply.error_kind <= static_cast<std::uint16_t>(base::ErrorKind::kCancelled)) {
    error.kind = static_cast<base::ErrorKind>(reply.error_kind);
  }
  error.errno_value = reply.error_number;
  return error;
}

ssize_t read_message(int socket, std::span<std::byte> into) {
  ssize_t count = -1;
  do {
    count = ::read(socket, into.data(), into.size());
  } while (count < 0 && errno == EINTR);
  return count;
}

/// Asks over the socket.
class SocketGate final : public ParentGate {
 public:
  explicit SocketGate(int socket) : socket_(socket) {}
  base::Result<void> wait() override {
    if (passed_) return {};
    if (::write(socket_, &kWaiting, 1) != 1) return base::cancelled("the import was interrupted");
    std::array<std::byte, 1> answer{};
    if (read_message(socket_, answer) != 1 || static_cast<char>(answer[0]) != kGo) {
      return base::cancelled("the import was interrupted");
    }
    passed_ = true;
    return {};
  }

 private:
  int socket_;
  bool passed_ = false;
};

}  // namespace

UnpackRequest encode_job(const LayerJob& job) {
  UnpackRequest request{};
  put_text(request.label, job.source.label);
  request.offset = job.source.range.offset;
  request.size = job.source.range.size;
  request.has_blob_digest = job.source.blob_digest ? 1 : 0;
  if (job.source.blob_digest) request.blob_digest = job.source.blob_digest->bytes();
  request.diff_id = job.source.diff_id.bytes();
  request.has_compression = job.source.compression ? 1 : 0;
  if (job.source.compression) {
    request.compression = static_cast<std::uint8_t>(*job.source.compression);
  }
  request.single_owner = job.ownership.mode == LayerOwnership::Mode::kSingle ? 1 : 0;
  request.squash_ids = job.ownership.unmapped == LayerOwnership::Unmapped::kSquash ? 1 : 0;
  request.has_layer = job.layer_fd >= 0 ? 1 : 0;
  request.has_list = job.list_fd >= 0 ? 1 : 0;
  request.id_shift = job.ownership.id_shift;
  request.id_count = job.ownership.id_count;
  request.limits = job.limits;
  request.used = job.used;
  return request;
}

base::Result<LayerJob> decode_job(std::span<const std::byte> bytes,
                                  std::span<const base::UniqueFd> fds) {
  const auto request = TRY(message_of<UnpackRequest>(bytes));
  if (fds.empty()) return base::system_error("read a message", EBADMSG);
  LayerJob job;
  job.source.label = get_text(request.label);
  base::UniqueFd archive = TRY(base::duplicate(fds[kArchive].get()));
  job.source.range = {std::make_shared<const base::UniqueFd>(std::move(archive)), request.offset,
                      request.size};
  if (request.has_blob_digest != 0) job.source.blob_digest = base::Digest(request.blob_digest);
  job.source.diff_id = base::Digest(request.diff_id);
  if (request.has_compression != 0) {
    job.source.compression = static_cast<Compression>(request.compression);
  }
  if (fds.size() > kLayer) {
    (request.has_layer != 0 ? job.layer_fd : job.copy_fd) = fds[kLayer].get();
  }
  if (request.has_layer == 0 && request.has_list != 0 && fds.size() > kList) {
    job.list_fd = fds[kList].get();
  } else {
    for (std::size_t i = kParents; i < fds.size(); ++i) job.parents.push_back(fds[i].get());
  }
  if (request.single_owner != 0) job.ownership.mode = LayerOwnership::Mode::kSingle;
  if (request.squash_ids != 0) job.ownership.unmapped = LayerOwnership::Unmapped::kSquash;
  job.ownership.id_shift = request.id_shift;
  job.ownership.id_count = request.id_count;
  job.limits = request.limits;
  job.used = request.used;
  return job;
}

UnpackReply encode_result(const base::Result<UnpackedLayer>& result) {
  UnpackReply reply{};
  reply.kind = 'r';
  if (!result.ok()) {
    reply.failed = 1;
    reply.error_kind = static_cast<std::uint16_t>(result.error().kind);
    reply.error_number = result.error().errno_value;
    put_text(reply.message, result.error().message);
    return reply;
  }
  reply.blob = result->digests.blob.bytes();
  reply.diff_id = result->digests.diff_id.bytes();
  reply.tar_bytes = result->digests.tar_bytes;
  reply.stats = result->stats;
  reply.needs_directory = result->needs_directory ? 1 : 0;
  reply.used = result->used;
  return reply;
}

base::Result<UnpackedLayer> decode_result(std::span<const std::byte> bytes) {
  const auto reply = message_of<UnpackReply>(bytes);
  if (!reply.ok() || reply->kind != 'r') return broken();
  if (reply->failed != 0) return error_of(*reply);
  UnpackedLayer layer;
  layer.digests = {base::Digest(reply->blob), base::Digest(reply->diff_id), reply->tar_bytes};
  layer.stats = reply->stats;
  layer.needs_directory = reply->needs_directory != 0;
  layer.used = reply->used;
  return layer;
}

void unpack_for_socket(int socket, std::span<const std::byte> request,
                       std::span<const base::UniqueFd> fds) {
  SocketGate gate(socket);
  auto job = decode_job(request, fds);
  if (job.ok()) {
    job->on_progress = [socket](const LayerProgress& now) {
      const UnpackProgress message{kProgress, {}, now.bytes_read, now.entries};
      (void)!::write(socket, &message, sizeof(message));
    };
  }
  const auto result =
      job.ok() ? DirectUnpacker().unpack(*job, gate, {}) : base::Result<UnpackedLayer>(job.error());
  const UnpackReply reply = encode_result(result);
  (void)!::write(socket, &reply, sizeof(reply));
}

base::Result<UnpackedLayer> await_unpacked(
    int socket, ParentGate& below, const std::function<void(const LayerProgress&)>& on_progress) {
  std::array<std::byte, sizeof(UnpackReply) + 1> buffer{};
  for (;;) {
    const ssize_t count = read_message(socket, buffer);
    if (count <= 0) return silent();
    const auto bytes = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(count));
    if (bytes.size() == 1 && static_cast<char>(bytes[0]) == kWaiting) {
      TRY(below.wait());
      if (::write(socket, &kGo, 1) != 1) return silent();
      continue;
    }
    if (static_cast<char>(bytes[0]) == kProgress) {
      const auto message = message_of<UnpackProgress>(bytes);
      if (!message.ok()) return broken();
      if (on_progress) on_progress({message->bytes_read, message->entries});
      continue;
    }
    if (static_cast<char>(bytes[0]) == '!') {
      const std::string why(reinterpret_cast<const char*>(bytes.data()) + 1, bytes.size() - 1);
      return base::unsupported("unpack it in a process without privileges: " + harmless(why));
    }
    return decode_result(bytes);
  }
}

}  // namespace stagebox::images
