#include "runtime/logs/log_packer.h"

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

namespace stagebox::logs {
namespace {

using base::Result;

// A shorter part would be a frame for few lines.
constexpr std::size_t kLeastPacked = std::size_t{32} << 10;
// What shrinks to less than this part of itself is compressed as fast as the kernel takes a copy.
constexpr std::size_t kCheap = 64;
// The stage would soon wait for us.
constexpr std::size_t kManyFull = 2;
// After parts that cannot be compressed.
constexpr std::size_t kMostLeftOut = 64;

}  // namespace

LogPacker::LogPacker(LogFile& file) : file_(file) {
  for (std::size_t i = 0; i < kParts; ++i)
    free_.push_back({std::make_unique_for_overwrite<std::byte[]>(kMaxUnpacked)});
  open_ = std::move(free_.back());
  free_.pop_back();
}

std::unique_ptr<LogPacker> LogPacker::start(LogFile& file) {
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): its constructor is private
  std::unique_ptr<LogPacker> packer(new LogPacker(file));
  try {
    packer->thread_ = std::thread([packer = packer.get()] { packer->work(); });
  } catch (const std::system_error&) {
    return nullptr;
  }
  return packer;
}

LogPacker::~LogPacker() {
  {
    const std::scoped_lock lock(mutex_);
    is_held_ = false;
    is_ending_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

// For one record's content.
std::span<std::byte> LogPacker::open_room() const {
  return {open_.bytes.get() + open_.used + kHeaderBytes, kMaxChunk};
}

std::span<std::byte> LogPacker::room() {
  std::unique_lock lock(mutex_);
  if (!failure_.ok()) return {};
  if (kMaxUnpacked - open_.used < kHeaderBytes + kMaxChunk) {
    full_.push_back(std::move(open_));
    is_held_ = true;  // there is none
    if (!is_writing_) changed_.notify_one();
    written_.wait(lock, [this] { return !free_.empty(); });
    open_ = std::move(free_.back());
    free_.pop_back();
  }
  is_held_ = failure_.ok();
  return is_held_ ? open_room() : std::span<std::byte>();
}

void LogPacker::release() {
  const std::scoped_lock lock(mutex_);
  is_held_ = false;
  if (!is_writing_) changed_.notify_one();
}

Result<void> LogPacker::add(RecordHeader header, std::span<const std::byte> content) {
  header.length = static_cast<std::uint32_t>(content.size());
  header.time = log_time_now();
  const HeaderBytes bytes = encode_record_header(header);
  // It is ours until it is released, so the thread need not wait while bytes are copied.
  const std::span<std::byte> into = is_held_ ? open_room() : room();
  if (!into.empty()) {
    std::ranges::copy(bytes, into.data() - kHeaderBytes);
    // GCC 12 makes a loop of bytes of std::ranges::copy.
    if (into.data() != content.data()) std::memcpy(into.data(), content.data(), content.size());
  }
  const std::scoped_lock lock(mutex_);
  is_held_ = false;
  if (!failure_.ok()) return failure_;
  open_.used += kHeaderBytes + content.size();
  if (!is_writing_) changed_.notify_one();
  return {};
}

Result<void> LogPacker::drain() {
  std::unique_lock lock(mutex_);
  is_held_ = false;
  changed_.notify_one();
  written_.wait(lock, [this] { return !has_any() && !is_writing_; });
  return failure_;
}

bool LogPacker::is_idle() {
  const std::scoped_lock lock(mutex_);
  return !has_any() && !is_writing_ && failure_.ok();
}

bool LogPacker::has_any() const { return !full_.empty() || open_.used > 0; }

void LogPacker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock,
                  [this] { return !full_.empty() || (open_.used > 0 && !is_held_) || is_ending_; });
    if (!has_any()) return;
    Part part = take_part();
    is_writing_ = true;
    lock.unlock();
    auto written = write(part.records());
    lock.lock();
    is_writing_ = false;
    give_back(std::move(part));
    if (!written.ok()) {
      failure_ = std::move(written);
      give_up();
    }
    written_.notify_one();
  }
}

// The oldest; the open one only when no other waits, so there is a free one to take its place.
LogPacker::Part LogPacker::take_part() {
  if (full_.empty()) {
    Part part = std::exchange(open_, std::move(free_.back()));
    free_.pop_back();
    return part;
  }
  Part part = std::move(full_.front());
  full_.erase(full_.begin());
  return part;
}

void LogPacker::give_back(Part part) {
  part.used = 0;
  free_.push_back(std::move(part));
}

void LogPacker::give_up() {
  for (Part& part : std::exchange(full_, {})) give_back(std::move(part));
  open_.used = 0;
}

Result<void> LogPacker::write(std::span<const std::byte> records) {
  if (!is_to_be_packed(records.size())) return file_.write(records, {});
  const auto frame = TRY(maker_.make_within(records, std::min(kMaxPacked, records.size() / 4 * 3)));
  learn_from(records.size(), frame ? frame->size() : records.size());
  if (!frame) return file_.write(records, {});
  const auto first = decode_record_header(records.first<kHeaderBytes>());
  RecordHeader header = first ? *first : RecordHeader{RecordKind::kPacked, 0, log_time_now(), {}};
  header.kind = RecordKind::kPacked;
  header.length = static_cast<std::uint32_t>(frame->size());
  return file_.write(encode_record_header(header), *frame);
}

bool LogPacker::is_to_be_packed(std::size_t bytes) {
  if (bytes < kLeastPacked) return false;
  if (left_out_ > 0) {
    --left_out_;
    return false;
  }
  if (is_cheap_) return true;
  const std::scoped_lock lock(mutex_);
  return full_.size() < kManyFull;
}

void LogPacker::learn_from(std::size_t bytes, std::size_t packed) {
  is_cheap_ = packed <= bytes / kCheap;
  if (packed < bytes) {
    leave_out_ = 1;
    return;
  }
  left_out_ = leave_out_;
  leave_out_ = std::min(2 * leave_out_, kMostLeftOut);
}

}  // namespace stagebox::logs
