#include "runtime/run/memo/run_memo.h"

#include <time.h>

#include <array>
#include <chrono>
#include <cstring>
#include <type_traits>

namespace stagebox::run {
namespace {

// Layout: magic, the fields in order, SHA-256 of everything before. Numbers in the machine's byte
// order, as the file never leaves it; texts and lists after their length (u32).
constexpr std::string_view kMagic = "stagebox run memo 3\n";

constexpr std::int64_t kNanoseconds = 1'000'000'000;

std::int64_t nanoseconds_of(clockid_t clock) {
  struct timespec time{};
  (void)::clock_gettime(clock, &time);
  return time.tv_sec * kNanoseconds + time.tv_nsec;
}

// The fields of each type, once for both directions. A new field of a struct does not compile until
// it stands here.
template <typename Value, typename Visitor>
void each_field(Value& value, Visitor& visit);

/// Appends fields.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <typename T>
    requires std::is_arithmetic_v<T>
  void operator()(const T& value) {
    raw(&value, sizeof(value));
  }
  void operator()(store::Executable value) { (*this)(value == store::Executable::kYes); }
  void operator()(MemoPlace::Root value) { (*this)(static_cast<std::uint8_t>(value)); }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  void operator()(const base::Digest& digest) { raw(digest.bytes().data(), base::Digest::kBytes); }
  void operator()(const store::Timestamp& time) { (*this)(time.time_since_epoch().count()); }
  template <typename T>
  void operator()(const std::optional<T>& value) {
    (*this)(static_cast<std::uint8_t>(value ? 1 : 0));
    if (value) (*this)(*value);
  }
  template <typename T>
  void operator()(const std::vector<T>& list) {
    (*this)(static_cast<std::uint32_t>(list.size()));
    for (const T& value : list) (*this)(value);
  }
  template <typename T>
    requires std::is_class_v<T>
  void operator()(const T& value) {
    each_field(value, *this);
  }

 private:
  void raw(const void* data, std::size_t size) {
    out_.append(static_cast<const char*>(data), size);
  }
  std::string& out_;
};

/// Takes fields from the front. Nothing is read beyond the end, and no list is longer than what is
/// left; failed() says whether it came to that.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  [[nodiscard]] bool is_whole() const { return !failed_ && in_.empty(); }

  template <typename T>
    requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
  void operator()(T& value) {
    raw(&value, sizeof(value));
  }
  void operator()(bool& value) { value = number_below(2) == 1; }
  void operator()(store::Executable& value) {
    value = number_below(2) == 1 ? store::Executable::kYes : store::Executable::kNo;
  }
  void operator()(MemoPlace::Root& value) { value = static_cast<MemoPlace::Root>(number_below(3)); }
  void operator()(std::string& text) {
    const std::size_t size = length();
    if (failed_) return;
    text.assign(in_.substr(0, size));
    in_.remove_prefix(size);
  }
  void operator()(base::Digest& digest) {
    std::array<std::uint8_t, base::Digest::kBytes> bytes{};
    raw(bytes.data(), bytes.size());
    digest = base::Digest(bytes);
  }
  void operator()(store::Timestamp& time) {
    store::Timestamp::rep count = 0;
    (*this)(count);
    time = store::Timestamp(store::Timestamp::duration(count));
  }
  template <typename T>
  void operator()(std::optional<T>& value) {
    if (number_below(2) == 1) (*this)(value.emplace());
  }
  template <typename T>
  void operator()(std::vector<T>& list) {
    const std::size_t size = length();
    for (std::size_t i = 0; i < size && !failed_; ++i) (*this)(list.emplace_back());
  }
  template <typename T>
    requires std::is_class_v<T>
  void operator()(T& value) {
    each_field(value, *this);
  }

 private:
  void raw(void* data, std::size_t size) {
    failed_ = failed_ || in_.size() < size;
    if (failed_) return;
    std::memcpy(data, in_.data(), size);
    in_.remove_prefix(size);
  }
  std::size_t length() {
    std::uint32_t size = 0;
    (*this)(size);
    failed_ = failed_ || size > in_.size();  // Each element takes a byte at least.
    return failed_ ? 0 : size;
  }
  std::uint8_t number_below(std::uint8_t limit) {
    std::uint8_t value = 0;
    raw(&value, sizeof(value));
    failed_ = failed_ || value >= limit;
    return failed_ ? 0 : value;
  }

  std::string_view in_;
  bool failed_ = false;
};

std::string_view checksum_of(const base::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes().data()), base::Digest::kBytes};
}

template <typename MaybeConst, typename Visitor>
void each_field(MaybeConst& value, Visitor& visit) {
  using Value = std::remove_const_t<MaybeConst>;
  const auto all = [&visit](auto&... fields) { (visit(fields), ...); };
  if constexpr (std::is_same_v<Value, store::EntryStamp>) {
    auto& [device, inode, size, mode, mtime, ctime] = value;
    all(device, inode, size, mode, mtime, ctime);
  } else if constexpr (std::is_same_v<Value, MemoClock> ||
                       std::is_same_v<Value, store::WalkWitness::Entry> ||
                       std::is_same_v<Value, MemoWalk> || std::is_same_v<Value, MemoStateFile> ||
                       std::is_same_v<Value, store::BlobRef> ||
                       std::is_same_v<Value, store::SummaryRef> ||
                       std::is_same_v<Value, store::SharedStages>) {
    auto& [first, second] = value;
    all(first, second);
  } else if constexpr (std::is_same_v<Value, MemoPlace> || std::is_same_v<Value, MemoBlob> ||
                       std::is_same_v<Value, store::WalkWitness::Dir>) {
    auto& [first, second, third] = value;
    all(first, second, third);
  } else if constexpr (std::is_same_v<Value, MemoStage>) {
    auto& [id, is_skipped, detail, coverage, summary] = value;
    all(id, is_skipped, detail, coverage, summary);
  } else if constexpr (std::is_same_v<Value, store::CoverageRef>) {
    auto& [blob, lines, lines_covered, branches, branches_covered] = value;
    all(blob, lines, lines_covered, branches, branches_covered);
  } else {
    static_assert(std::is_same_v<Value, RunMemo>);
    auto& [question, boot, clock, machine, project, places, walks, state_files, blobs, stages,
           pipeline, file, warning, run_id, shared] = value;
    all(question, boot, clock, machine, project, places, walks, state_files, blobs, stages,
        pipeline, file, warning, run_id, shared);
  }
}

}  // namespace

MemoClock MemoClock::now() {
  const std::int64_t time = nanoseconds_of(CLOCK_REALTIME);
  return {time, time - nanoseconds_of(CLOCK_BOOTTIME)};
}

bool MemoClock::goes_with(const MemoClock& later) const {
  // Of what ntp slews (500 ppm) many minutes' worth, and far less than kRacy of memo_writer.cc.
  constexpr std::int64_t kMost = kNanoseconds / 2;
  const std::int64_t difference = later.offset - offset;
  return difference <= kMost && difference >= -kMost;
}

std::string encode_memo(const RunMemo& memo) {
  std::string out(kMagic);
  Writer write(out);
  write(memo);
  const base::Digest digest = base::Sha256::of(out);
  return out.append(checksum_of(digest));
}

std::optional<RunMemo> decode_memo(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + base::Digest::kBytes || !bytes.starts_with(kMagic))
    return std::nullopt;
  const std::string_view body = bytes.substr(0, bytes.size() - base::Digest::kBytes);
  const base::Digest digest = base::Sha256::of(body);
  if (bytes.substr(body.size()) != checksum_of(digest)) return std::nullopt;
  Reader read(body.substr(kMagic.size()));
  std::optional<RunMemo> memo(std::in_place);
  read(*memo);
  if (!read.is_whole()) memo.reset();
  return memo;
}

}  // namespace stagebox::run
