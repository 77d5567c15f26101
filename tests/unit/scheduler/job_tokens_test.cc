#include "scheduler/job_tokens.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "tests/support/temp_dir.h"

namespace stagebox::scheduler {
namespace {

using base::UniqueFd;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kMany = 100;

TEST(FairShares, DivideWhatIsFree) {
  using Most = std::vector<std::size_t>;
  EXPECT_THAT(fair_shares(0, Most{kMany, kMany}), ElementsAre(0, 0));
  EXPECT_THAT(fair_shares(4, Most{kMany, kMany}), ElementsAre(2, 2));
  EXPECT_THAT(fair_shares(5, Most{kMany, kMany, kMany}), ElementsAre(2, 2, 1));
  EXPECT_THAT(fair_shares(9, Most{1, kMany, kMany}), ElementsAre(1, 4, 4));
  EXPECT_THAT(fair_shares(9, Most{1, 2}), ElementsAre(1, 2)) << "more than they can use";
  EXPECT_THAT(fair_shares(3, Most{0, kMany}), ElementsAre(0, 3));
  EXPECT_THAT(fair_shares(7, Most{}), IsEmpty());
}

/// A FIFO and the stage's end of it.
class Fifo {
 public:
  explicit Fifo(const testing::TempDir& dir, const std::string& name)
      : path_(dir.path() + "/" + name) {
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    stage_ = open();
  }
  UniqueFd open() const { return UniqueFd(::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)); }
  /// What the stage takes; at most `count`.
  std::size_t take(std::size_t count) const {
    std::string tokens(count, '\0');
    const ssize_t got = ::read(stage_.get(), tokens.data(), count);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
  void put(std::size_t count) const {
    const std::string tokens(count, '+');
    EXPECT_EQ(::write(stage_.get(), tokens.data(), count), static_cast<ssize_t>(count));
  }
  /// Until nothing is in it; false after ten seconds.
  bool is_emptied() const {
    for (int look = 0; look < 1000; ++look) {
      struct pollfd entry{stage_.get(), POLLIN, 0};
      if (::poll(&entry, 1, 0) == 0) return true;
      (void)::poll(nullptr, 0, 10);
    }
    return false;
  }

 private:
  std::string path_;
  UniqueFd stage_;
};

class JobTokensTest : public ::testing::Test {
 protected:
  JobTokens::Loan lend(const Fifo& fifo, std::size_t most = kMany) {
    auto loan = tokens_.lend(fifo.open(), most);
    EXPECT_TRUE(loan.ok());
    return std::move(*loan);
  }
  testing::TempDir dir_;
  Fifo one_{dir_, "one"};
  Fifo two_{dir_, "two"};
  JobTokens tokens_;
};

TEST_F(JobTokensTest, LendsWhatIsFreeAndTakesItBack) {
  tokens_.set_free(3);
  const auto loan = lend(one_);
  tokens_.set_free(1);
  EXPECT_EQ(one_.take(kMany), 1U);
  one_.put(1);
  tokens_.set_free(4);
  EXPECT_EQ(one_.take(kMany), 4U);
}

TEST_F(JobTokensTest, NoneGetsMoreThanItCanUse) {
  tokens_.set_free(8);
  const auto first = lend(one_, 1);
  const auto second = lend(two_);
  EXPECT_EQ(one_.take(kMany), 1U);
  EXPECT_EQ(two_.take(kMany), 7U);
}

TEST_F(JobTokensTest, TokensInUseAreTakenBackWhenTheyAreReturned) {
  tokens_.set_free(3);
  const auto loan = lend(one_);
  ASSERT_EQ(one_.take(kMany), 3U);
  tokens_.set_free(0);
  one_.put(3);
  EXPECT_TRUE(one_.is_emptied());
  tokens_.set_free(2);
  EXPECT_EQ(one_.take(kMany), 2U);
}

TEST_F(JobTokensTest, WhatAStageKeepsIsLentAgainWhenItHasEnded) {
  tokens_.set_free(4);
  std::optional<JobTokens::Loan> thief(lend(one_));
  ASSERT_EQ(one_.take(kMany), 4U);
  const auto loan = lend(two_);
  EXPECT_EQ(two_.take(kMany), 2U) << "its share, whatever the other one keeps";
  thief.reset();
  EXPECT_EQ(two_.take(kMany), 2U);
}

TEST_F(JobTokensTest, ForgedTokensGainNothingFromOthers) {
  tokens_.set_free(4);
  std::optional<JobTokens::Loan> forger(lend(one_));
  const auto loan = lend(two_);
  one_.put(1000);
  tokens_.set_free(2);
  tokens_.set_free(4);
  EXPECT_EQ(two_.take(kMany), 2U);
  two_.put(2);
  forger.reset();
  EXPECT_EQ(two_.take(kMany), 4U);
}

TEST_F(JobTokensTest, AFullOrEmptiedFifoBlocksNobody) {
  one_.put(4096);
  while (true) {
    const std::string more(4096, 'x');
    const UniqueFd end = one_.open();
    if (::write(end.get(), more.data(), more.size()) < 0) break;
  }
  tokens_.set_free(4);
  const auto stuffed = lend(one_);
  const auto loan = lend(two_);
  EXPECT_EQ(two_.take(kMany), 2U);
  tokens_.set_free(0);
  tokens_.set_free(6);
  EXPECT_EQ(two_.take(1), 1U);
}

}  // namespace
}  // namespace stagebox::scheduler
