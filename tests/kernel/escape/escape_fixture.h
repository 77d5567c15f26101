// What the escape tests share: the attack program in the image, and a canary: a tree of the host
// whose hash must be the same before and after every attack.
#pragma once

#include <string>

#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {

class EscapeTest : public SandboxTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// For an attacker with all that a spec can declare.
  static sandbox::CapabilitySets every_capability() {
    constexpr std::uint64_t kAll = (std::uint64_t{1} << 41) - 1;
    return {kAll, kAll, kAll};
  }
  /// Runs the attack program in a sandbox.
  base::Result<RunResult> attack(const std::string& arguments);
  /// Every line of an attack's output must tell a refusal; `lines` is how many there are at least.
  static void expect_all_refused(const std::string& output, std::size_t lines);

  /// Absolute path of the canary on the host, for links that lead out.
  [[nodiscard]] std::string canary() const { return dir_.path("canary"); }
  /// A socket of the host with this name in the abstract namespace (unix(7)); `type` as in
  /// socket(2).
  static base::UniqueFd bind_abstract(int type, const std::string& name);
  /// Removes `path` from the image and puts a link there instead.
  void replace_by_link(const std::string& path, const std::string& target) const;
  /// Throws away what a sandbox that did not start has left.
  void discard_scratch() const;

 private:
  [[nodiscard]] std::string hash_canary() const;
  std::string before_;
};

/// Runs `script` or fails the test.
#define ATTACK(arguments)                                             \
  __extension__({                                                     \
    auto attack_result = attack(arguments);                           \
    ASSERT_TRUE(attack_result.ok()) << attack_result.error().message; \
    std::move(*attack_result);                                        \
  })

}  // namespace stagebox::testing
