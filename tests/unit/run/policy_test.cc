// What a policy permits, rule by rule, and that no rule widens what another one refuses.
#include "runtime/run/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/run/engine/permit.h"
#include "runtime/run/policy/policy_reader.h"

namespace stagebox::run {
namespace {

using base::Trust;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

PolicyRules rules(const std::string& text) {
  auto read = read_policy("p.yaml", "stagebox-policy: 1\n" + text);
  const auto* mistakes = std::get_if<scheduler::Diagnostics>(&read);
  EXPECT_EQ(mistakes, nullptr) << mistakes->render();
  return mistakes == nullptr ? std::get<PolicyRules>(std::move(read)) : PolicyRules();
}

std::string mistakes(const std::string& text) {
  const auto read = read_policy("p.yaml", text);
  const auto* wrong = std::get_if<scheduler::Diagnostics>(&read);
  return wrong == nullptr ? "" : wrong->render();
}

Asked network(NetworkMode mode, const char* reach = nullptr) {
  Asked asked;
  asked.who = "stage s";
  asked.network.mode = mode;
  if (reach != nullptr) asked.network.allow = {base::NetworkRule::parse(reach).value()};
  return asked;
}

Policy policy(Trust trust, const std::string& base = "", const std::string& narrower = "") {
  return Policy::make(trust, rules(base), rules(narrower));
}

bool permits(const Policy& policy, const Asked& asked) { return policy.refusals(asked).empty(); }

TEST(Policy, WithoutOneTheHostsNetworkIsRefused) {
  const Policy trusted = policy(Trust::kTrusted);
  EXPECT_TRUE(permits(trusted, network(NetworkMode::kNone)));
  EXPECT_TRUE(permits(trusted, network(NetworkMode::kAllow, "a.org:80")));
  EXPECT_TRUE(permits(trusted, network(NetworkMode::kNat)));
  EXPECT_THAT(
      trusted.refusals(network(NetworkMode::kHost)),
      ElementsAre("stage s: `network: host` is not permitted by the rule network.modes (built in); "
                  "a rule of that name in /etc/stagebox/policy.yaml can permit it"));
}

TEST(Policy, ARefusalSaysWhereItCouldBePermittedIfItCould) {
  const auto hint = HasSubstr("; a rule of that name in /etc/stagebox/policy.yaml");
  const Policy untrusted = policy(Trust::kUntrusted);
  EXPECT_THAT(untrusted.refusals(network(NetworkMode::kNat)), ElementsAre(hint));
  const auto never = EndsWith("(built in); no policy can permit it");
  EXPECT_THAT(untrusted.refusals(network(NetworkMode::kHost)), ElementsAre(never, never));
  Asked asked = network(NetworkMode::kNone);
  asked.secrets = {"TOKEN"};
  EXPECT_THAT(untrusted.refusals(asked), ElementsAre(never));
  const Policy of_a_file = policy(Trust::kTrusted, "network: {modes: [none]}");
  EXPECT_THAT(of_a_file.refusals(network(NetworkMode::kNat)), ElementsAre(EndsWith(":2:18)")));
}

TEST(Policy, Caches) {
  Asked asked;
  asked.who = "stage s";
  const Policy none = policy(Trust::kTrusted, "caches: {access: none}\n");
  EXPECT_TRUE(permits(none, asked));
  asked.has_caches = true;
  EXPECT_THAT(none.refusals(asked),
              ElementsAre("stage s: to have `caches` is not permitted by the rule caches "
                          "(p.yaml:2:9)"));
  EXPECT_TRUE(policy(Trust::kUntrusted).saves_caches());
  EXPECT_EQ(policy(Trust::kUntrusted).capped_cache(5), 5U);
  const std::string text = "caches: {max_size: 100}\nuntrusted: {caches: {access: read}}\n";
  const Policy trusted = policy(Trust::kTrusted, text);
  EXPECT_TRUE(permits(trusted, asked));
  EXPECT_TRUE(trusted.saves_caches());
  EXPECT_EQ(trusted.capped_cache(101), 100U);
  EXPECT_EQ(trusted.capped_cache(99), 99U);
  asked.cache_size = 100;
  EXPECT_TRUE(permits(trusted, asked));
  asked.cache_size = 101;
  EXPECT_THAT(trusted.refusals(asked), ElementsAre(HasSubstr("`max_size` of a cache of 101 B")));
  EXPECT_FALSE(policy(Trust::kUntrusted, text).saves_caches());
  // A second policy can only narrow.
  EXPECT_FALSE(policy(Trust::kTrusted, "caches: {access: read}\n", text).saves_caches());
  EXPECT_THAT(mistakes("stagebox-policy: 1\ncaches: {access: some, max: 1}\n"),
              ::testing::AllOf(HasSubstr("`access` must be"), HasSubstr("unknown key `max`")));
}

TEST(Policy, WithoutOneAnUntrustedRunHasNothing) {
  const Policy untrusted = policy(Trust::kUntrusted);
  EXPECT_TRUE(permits(untrusted, network(NetworkMode::kNone)));
  Asked asked = network(NetworkMode::kAllow, "a.org:80");
  asked.host_paths = {"/opt"};
  asked.seccomp_profile = "/etc/p.json";
  asked.capabilities = 0b11;
  asked.secrets = {"TOKEN"};
  EXPECT_THAT(
      untrusted.refusals(asked),
      ElementsAre(
          HasSubstr("`allow` is not permitted by the rule untrusted.network.modes"),
          HasSubstr("`/opt` is not permitted by the rule untrusted.host_paths"),
          HasSubstr("`/etc/p.json` is not permitted by the rule untrusted.seccomp_profiles"),
          HasSubstr("capabilities CAP_CHOWN, CAP_DAC_OVERRIDE is not permitted by the rule "
                    "untrusted.capabilities"),
          HasSubstr("`TOKEN` is not permitted by the rule untrusted.secrets")));
}

TEST(Policy, AFileStandsInsteadOfWhatIsBuiltIn) {
  const Policy trusted = policy(Trust::kTrusted, "network: {modes: [host]}");
  EXPECT_TRUE(permits(trusted, network(NetworkMode::kHost)));
  EXPECT_THAT(trusted.refusals(network(NetworkMode::kNat)),
              ElementsAre(HasSubstr("network.modes (p.yaml:2:18)")));
}

TEST(Policy, ASecondFileOnlyNarrows) {
  const Policy both =
      policy(Trust::kTrusted, "network: {modes: [none, allow]}", "network: {modes: [none, host]}");
  EXPECT_TRUE(permits(both, network(NetworkMode::kNone)));
  EXPECT_FALSE(permits(both, network(NetworkMode::kAllow, "a.org:80")));
  EXPECT_FALSE(permits(both, network(NetworkMode::kHost)));
  // What the first does not mention is as built in, and the second cannot widen that either.
  EXPECT_FALSE(permits(policy(Trust::kTrusted, "images: pinned", "network: {modes: [host]}"),
                       network(NetworkMode::kHost)));
}

TEST(Policy, UntrustedRunsAreBoundByBothSections) {
  const std::string text =
      "network: {modes: [none, allow], allow: [\"*.a.org:80\"]}\n"
      "untrusted: {network: {modes: [none, allow, nat], allow: [\"x.a.org:80\", \"b.org:80\"]}}\n";
  const Policy untrusted = policy(Trust::kUntrusted, text);
  EXPECT_TRUE(permits(untrusted, network(NetworkMode::kAllow, "x.a.org:80")));
  EXPECT_THAT(untrusted.refusals(network(NetworkMode::kAllow, "y.a.org:80")),
              ElementsAre(HasSubstr("to reach `y.a.org:80` is not permitted by the rule "
                                    "untrusted.network.allow")));
  EXPECT_THAT(
      untrusted.refusals(network(NetworkMode::kAllow, "b.org:80")),
      ElementsAre(HasSubstr("to reach `b.org:80` is not permitted by the rule network.allow")));
  EXPECT_FALSE(permits(untrusted, network(NetworkMode::kNat)));
  EXPECT_TRUE(permits(policy(Trust::kTrusted, text), network(NetworkMode::kAllow, "y.a.org:80")));
}

TEST(Policy, NoPolicyGivesAnUntrustedRunSecrets) {
  Asked asked = network(NetworkMode::kNone);
  asked.secrets = {"TOKEN", "OTHER"};
  EXPECT_THAT(policy(Trust::kTrusted, "secrets: [TOKEN]").refusals(asked),
              ElementsAre(HasSubstr("the secret `OTHER` is not permitted by the rule secrets")));
  EXPECT_EQ(policy(Trust::kUntrusted, "secrets: [TOKEN, OTHER]").refusals(asked).size(), 2U);
  EXPECT_THAT(mistakes("stagebox-policy: 1\nuntrusted: {secrets: [TOKEN]}\n"),
              HasSubstr("an untrusted run has no secrets"));
  EXPECT_THAT(mistakes("stagebox-policy: 1\nuntrusted: {network: {modes: [host]}}\n"),
              HasSubstr("cannot have the host's network"));
}

TEST(Policy, HostPathsAreJudgedByWholeNames) {
  const Policy trusted = policy(Trust::kTrusted, "host_paths: [/opt/sdk]");
  Asked asked = network(NetworkMode::kNone);
  for (const char* fine : {"/opt/sdk", "/opt/sdk/bin"}) {
    asked.host_paths = {fine};
    EXPECT_TRUE(permits(trusted, asked)) << fine;
  }
  for (const char* wrong : {"/opt", "/", "/opt/sdk2", "/etc"}) {
    asked.host_paths = {wrong};
    EXPECT_FALSE(permits(trusted, asked)) << wrong;
  }
  asked.host_paths = {"/etc"};
  EXPECT_TRUE(permits(policy(Trust::kTrusted, "host_paths: [/]"), asked));
  EXPECT_TRUE(permits(policy(Trust::kTrusted), asked)) << "a trusted run may mount what it names";
  EXPECT_FALSE(permits(policy(Trust::kTrusted, "host_paths: []"), asked));
}

TEST(Policy, ImagesByDigest) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  Asked asked = network(NetworkMode::kNone);
  asked.image = "gcc";
  EXPECT_FALSE(permits(policy(Trust::kTrusted, "images: pinned"), asked));
  EXPECT_FALSE(permits(policy(Trust::kTrusted, "images: [\"" + digest + "\"]"), asked));
  asked.pin = base::Digest::from_oci(digest).value();
  EXPECT_TRUE(permits(policy(Trust::kTrusted, "images: pinned"), asked));
  EXPECT_TRUE(permits(policy(Trust::kTrusted, "images: [\"" + digest + "\"]"), asked));
  asked.pin = base::Sha256::of("other");
  EXPECT_FALSE(permits(policy(Trust::kTrusted, "images: [\"" + digest + "\"]"), asked));
}

TEST(Policy, CeilingsRefuseMoreAndFillInWhatIsNotSaid) {
  const Policy trusted = policy(
      Trust::kTrusted, "resources: {cpus: 2, memory: 1GiB, open_files: 100000, timeout: 1h}");
  Asked asked = network(NetworkMode::kNone);
  EXPECT_TRUE(permits(trusted, asked));
  asked.limits.memory = std::uint64_t{2} << 30U;
  asked.limits.cpus = 2.5;
  asked.timeout = std::chrono::hours(2);
  EXPECT_THAT(trusted.refusals(asked),
              ElementsAre(HasSubstr("`memory` of 2.0 GiB, more than 1.0 GiB, is not permitted"),
                          HasSubstr("`cpus` of 2.5, more than 2,"),
                          HasSubstr("`timeout` of 2h00m, more than 1h00m,")));
  const sandbox::Limits capped = trusted.capped(sandbox::Limits());
  EXPECT_EQ(capped.memory, std::uint64_t{1} << 30U);
  EXPECT_EQ(capped.cpus, 2.0);
  EXPECT_FALSE(capped.open_files) << "the default is lower";
  EXPECT_FALSE(capped.pids);
  EXPECT_EQ(trusted.capped(std::optional<std::chrono::milliseconds>()), std::chrono::hours(1));
  EXPECT_EQ(trusted.capped(std::chrono::milliseconds(5)), std::chrono::milliseconds(5));
  sandbox::Limits less;
  less.memory = 5;
  EXPECT_EQ(trusted.capped(less).memory, 5U);
}

TEST(Policy, APermitTellsAllRefusalsAtOnce) {
  const std::vector<Asked> asked{network(NetworkMode::kHost), network(NetworkMode::kNone),
                                 network(NetworkMode::kHost)};
  const auto refused = permit(policy(Trust::kTrusted), asked);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, base::ErrorKind::kInvalid);
  EXPECT_EQ(std::ranges::count(refused.error().message, '\n'), 1);
  EXPECT_TRUE(permit(policy(Trust::kTrusted), std::span(asked).subspan(1, 1)).ok());
}

TEST(PolicyReader, ASecretMayBeNamedWithoutASource) {
  const PolicyRules read = rules("secrets: {A: {file: /a}, B: , C: {}, D: null}");
  EXPECT_EQ(read.secrets.size(), 1U);
  Asked asked = network(NetworkMode::kNone);
  asked.secrets = {"A", "B", "C", "D"};
  EXPECT_TRUE(permits(Policy::make(Trust::kTrusted, read, {}), asked));
}

TEST(PolicyReader, Mistakes) {
  EXPECT_THAT(mistakes(""), HasSubstr("a policy begins with `stagebox-policy: 1`"));
  EXPECT_THAT(mistakes("a: !t 1"), HasSubstr("but a policy file has no tags"));
  EXPECT_THAT(mistakes("a: 1\n---\n"), HasSubstr("a policy file holds one document"));
  EXPECT_THAT(mistakes("[]"), HasSubstr("must be a mapping"));
  EXPECT_THAT(mistakes("{}"), HasSubstr("`stagebox-policy` must be 1"));
  const auto wrong = [](const std::string& text) {
    return mistakes("stagebox-policy: 1\n" + text + "\n");
  };
  EXPECT_THAT(wrong("netwrok: {}"), HasSubstr("did you mean `network`?"));
  EXPECT_THAT(wrong("network: {modes: [all]}"), HasSubstr("unknown network `all`"));
  EXPECT_THAT(wrong("network: {allow: [a.org]}"), HasSubstr("has no port"));
  EXPECT_THAT(wrong("network: host"), HasSubstr("`network` must be a mapping"));
  for (const char* path : {"opt", "/opt/", "/opt/../etc", "//opt", "/opt/./x"})
    EXPECT_THAT(wrong("host_paths: [\"" + std::string(path) + "\"]"), HasSubstr("absolute"))
        << path;
  EXPECT_THAT(wrong("capabilities: [ROOT]"), HasSubstr("not a capability"));
  EXPECT_THAT(wrong("images: any"), HasSubstr("`images` must be `pinned`"));
  EXPECT_THAT(wrong("images: []"), HasSubstr("names no image"));
  EXPECT_THAT(wrong("resources: {memory: much}"), HasSubstr("`memory`"));
  EXPECT_THAT(wrong("resources: {cpu: 1}"), HasSubstr("unknown key `cpu`"));
  EXPECT_THAT(wrong("secrets: [\"A B\"]"), HasSubstr("invalid secret name"));
}

}  // namespace
}  // namespace stagebox::run
