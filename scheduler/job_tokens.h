// JobTokens: lends the free slots of a run to stages that can use more than their own, as tokens of
// GNU make's jobserver: a FIFO with one byte for each job that may be started (GNU make manual,
// "POSIX Jobserver Interaction"). Which stage has such a FIFO, and where, is the runner's business.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::scheduler {

/// Divides `free` slots so that each gets as many as any other, but none more than its `most`; of
/// equals the first gets what does not divide. Pure.
std::vector<std::size_t> fair_shares(std::size_t free, std::span<const std::size_t> most);

/// Each stage has a FIFO of its own, so whatever it does to its tokens it does to itself: what it
/// keeps, nobody else was to have, and what it writes lets it start more processes of its own,
/// which its limits cover and which it could start without a token. A slot that was lent is still
/// free for a stage that becomes ready: unused tokens are taken back at once, used ones when they
/// are returned. So tokens never keep a stage waiting. Thread-safe. Nothing blocks.
class JobTokens {
  struct Stage {
    base::UniqueFd fifo;
    std::size_t most = 0;
    std::size_t share = 0;
    std::size_t lent = 0;  ///< Written and not read back.

    /// Toward its share, as far as that goes without waiting. A FIFO that the stage has filled, or
    /// emptied, is the stage's own loss.
    void settle();
  };

 public:
  JobTokens() = default;
  ~JobTokens();
  JobTokens(const JobTokens&) = delete;
  JobTokens& operator=(const JobTokens&) = delete;

  /// So many slots are free from now on.
  void set_free(std::size_t slots);

  /// As long as it lives the stage is lent tokens. It ends before the JobTokens do.
  class Loan {
   public:
    Loan(Loan&& other) noexcept : tokens_(other.tokens_), stage_(other.stage_) {
      other.tokens_ = nullptr;
    }
    Loan& operator=(Loan&&) = delete;
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan();

   private:
    friend class JobTokens;
    Loan(JobTokens& tokens, std::list<Stage>::iterator stage) : tokens_(&tokens), stage_(stage) {}
    JobTokens* tokens_;
    std::list<Stage>::iterator stage_;
  };
  /// `fifo` is open for reading and writing and does not block; it was opened before anything
  /// untrusted could replace it. `most`: tokens that the stage can use.
  base::Result<Loan> lend(base::UniqueFd fifo, std::size_t most);

 private:
  base::Result<void> start_watching();
  void watch();
  bool collect(std::vector<base::UniqueFd>& owing);
  // With the lock held.
  void share_out();

  std::mutex mutex_;
  std::size_t free_ = 0;
  std::list<Stage> stages_;
  base::UniqueFd wake_;
  std::thread thread_;
  bool stopping_ = false;
};

}  // namespace stagebox::scheduler
