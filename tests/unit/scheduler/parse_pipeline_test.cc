#include "scheduler/file/parse_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/capabilities.h"

namespace stagebox::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(ReadStageIds, TakesWhatCanBeToldOfAFileWithMistakes) {
  EXPECT_THAT(read_stage_ids("params: {a: {}}\n"
                             "stages: {b: {run: 1, nonsense: 2}, 'b c': {},\n"
                             "  m: {matrix: {x: [1, 2]}}, u: {matrix: {x: ['${{ params.a }}']}}}"),
              ElementsAre("b", "b c", "m[1]", "m[2]", "u"));
  for (const char* none : {"", "stages: [", "a", "stages: 1", "stages: {}"})
    EXPECT_TRUE(read_stage_ids(none).empty()) << none;
}

constexpr std::string_view kWhole = R"(stagebox: 1
name: zlib ${{ params.build_type }}

params:
  build_type: {default: Release, choices: [Debug, Release]}

images:
  gcc: {tarball: images/gcc.tar}
  py: {name: "python:3", digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}

defaults:
  image: gcc
  timeout: 10m
  env: {LANG: C, CFLAGS: "-O1"}
  resources: {cpus: 1, memory: 1GiB, pids: 512, disk: 4GiB}

stages:
  build:
    inputs:
      src: {path: ., exclude: [.git, "build-*"]}
    env: {CFLAGS: "-O2", TYPE: "${{ params.build_type }}"}
    run: |
      make TYPE="${{ params.build_type }}" FLAGS="${{ env.CFLAGS }}"
    outputs:
      lib: work/libz.a
      inc: {path: work/include, type: directory, max_size: 10MiB}
    resources: {cpus: 0.5}

  lint:
    image: py
    run: [lint, "--type=${{ params.build_type }}"]
    allow_failure: true
    cache: never
    salt: v${{ params.build_type }}
    user: 1000:100

  test:
    inputs:
      lib: {from: build.lib}
      deep/src: {path: ./src//x, mode: overlay}
    run: ./run.sh
    network: none
    capabilities: none
    needs: [lint]
    when: always
    cache: {ttl: 24h}
    user: nobody
    workdir: deep
    shell: [/bin/bash, -e]
    timeout: 1h30m
)";

const Pipeline& valid(const std::variant<Pipeline, Diagnostics>& parsed) {
  static const Pipeline kEmpty;
  const auto* wrong = std::get_if<Diagnostics>(&parsed);
  EXPECT_EQ(wrong == nullptr ? "" : wrong->render(), "");
  return wrong == nullptr ? std::get<Pipeline>(parsed) : kEmpty;
}

class WholePipeline : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipeline_.stages.size(), 3U); }
  const std::variant<Pipeline, Diagnostics> parsed_ = parse_pipeline("f", kWhole);
  const Pipeline& pipeline_ = valid(parsed_);
};

TEST_F(WholePipeline, TopLevel) {
  EXPECT_EQ(pipeline_.name, "zlib Release");
  EXPECT_EQ(pipeline_.params[0].value, "Release");
  const auto* gcc = pipeline_.find_image("gcc");
  EXPECT_EQ(std::get<TarballImage>(gcc->source).path.str(), "images/gcc.tar");
  EXPECT_FALSE(gcc->digest);
  const auto* py = pipeline_.find_image("py");
  EXPECT_EQ(std::get<StoredImage>(py->source).name, "python:3");
  EXPECT_EQ(py->digest->hex().substr(0, 4), "0123");
  EXPECT_EQ(pipeline_.find_image("x"), nullptr);
}

TEST_F(WholePipeline, DefaultsAreMerged) {
  const Stage& build = *pipeline_.find_stage("build");
  EXPECT_EQ(build.image, "gcc");
  EXPECT_EQ(build.resources.cpus, 0.5);
  EXPECT_EQ(build.resources.memory, std::uint64_t{1} << 30U);
  EXPECT_EQ(build.resources.pids, 512U);
  EXPECT_EQ(build.timeout, std::chrono::minutes(10));
  EXPECT_EQ(build.position, (Position{18, 3}));
  EXPECT_EQ(pipeline_.find_stage("lint")->image, "py");
  EXPECT_EQ(pipeline_.find_stage("test")->timeout, std::chrono::minutes(90));
  EXPECT_THAT(pipeline_.find_stage("test")->env,
              UnorderedElementsAre(Pair("LANG", "C"), Pair("CFLAGS", "-O1")));
}

TEST_F(WholePipeline, ExpressionsInScriptsAreVariables) {
  const Stage& build = *pipeline_.find_stage("build");
  EXPECT_EQ(std::get<Script>(build.run).text,
            "make TYPE=\"${STAGEBOX_PARAMS_BUILD_TYPE}\" FLAGS=\"${STAGEBOX_ENV_CFLAGS}\"\n");
  EXPECT_THAT(build.env,
              UnorderedElementsAre(Pair("LANG", "C"), Pair("CFLAGS", "-O2"),
                                   Pair("TYPE", "Release"), Pair("STAGEBOX_ENV_CFLAGS", "-O2"),
                                   Pair("STAGEBOX_PARAMS_BUILD_TYPE", "Release")));
  EXPECT_THAT(std::get<Argv>(pipeline_.find_stage("lint")->run).arguments,
              ElementsAre("lint", "--type=Release"));
}

TEST(ParseNetwork, WordsReplaceTheDefault) {
  const auto parsed = parse_pipeline(
      "f",
      "stagebox: 1\nimages: {a: {name: x}}\ndefaults: {image: a, network: {allow: [\"z.org:1\"]}}\n"
      "stages: {n: {run: x, network: nat}, h: {run: x, network: host}}\n");
  const Pipeline& pipeline = valid(parsed);
  ASSERT_EQ(pipeline.stages.size(), 2U);
  EXPECT_EQ(pipeline.stages[0].network.text(), "nat");
  EXPECT_EQ(pipeline.stages[1].network.text(), "host");
}

TEST(ParseCapabilities, WordsAndLists) {
  const auto capabilities = [](const std::string& settings) {
    const auto parsed = parse_pipeline(
        "f",
        "stagebox: 1\nimages: {a: {name: a}}\ndefaults: {image: a, capabilities: [KILL]}\n"
        "stages: {s: {run: [x]" +
            settings + "}}\n");
    return valid(parsed).stages.at(0).capabilities;
  };
  const std::uint64_t docker = base::docker_capabilities();
  EXPECT_EQ(capabilities(""), base::capability_bit("KILL"));
  EXPECT_EQ(capabilities(", capabilities: none"), 0U);
  EXPECT_EQ(capabilities(", capabilities: []"), 0U);
  EXPECT_EQ(capabilities(", capabilities: [CHOWN, cap_setuid, CHOWN]"), 1U | 1U << 7U);
  EXPECT_EQ(capabilities(", capabilities: docker"), docker);
  EXPECT_EQ(capabilities(", capabilities: docker, network: nat"),
            docker & ~base::capability_bit("NET_RAW").value());
}

TEST(ParseNetwork, IsSortedAndHasNoDuplicates) {
  const auto parsed = parse_pipeline(
      "f",
      "stagebox: 1\nimages: {a: {name: x}}\ndefaults: {network: {allow: [\"z.org:1\"]}}\n"
      "stages:\n  s: {image: a, run: make, network: {allow: [\"b.org:80\", A.org.:80, a.org:80]}}\n"
      "  d: {image: a, run: make}\n  n: {image: a, run: make, network: none}\n");
  const Pipeline& pipeline = valid(parsed);
  ASSERT_EQ(pipeline.stages.size(), 3U);
  EXPECT_EQ(pipeline.stages[0].network.text(), "allow a.org:80 b.org:80");
  EXPECT_EQ(pipeline.stages[1].network.text(), "allow z.org:1");
  EXPECT_EQ(pipeline.stages[2].network.text(), "none");
}

TEST_F(WholePipeline, InputsAndOutputs) {
  const Stage& build = *pipeline_.find_stage("build");
  const auto& host = std::get<HostPath>(build.inputs[0].source);
  EXPECT_TRUE(host.path.is_self());
  EXPECT_THAT(host.exclude, ElementsAre(".git", "build-*"));
  EXPECT_EQ(build.inputs[0].mode, InputMode::kReadOnly);
  EXPECT_EQ(build.outputs[0].path.str(), "work/libz.a");
  EXPECT_FALSE(build.outputs[0].type);
  EXPECT_EQ(build.outputs[1].type, OutputType::kDirectory);
  EXPECT_EQ(build.outputs[1].max_size, 10U << 20U);
  const Stage& test = *pipeline_.find_stage("test");
  const auto& from = std::get<FromOutput>(test.inputs[0].source);
  EXPECT_EQ(from.stage + "/" + from.output, "build/lib");
  EXPECT_EQ(test.inputs[1].at.str(), "deep/src");
  EXPECT_EQ(std::get<HostPath>(test.inputs[1].source).path.str(), "src/x");
  EXPECT_EQ(test.inputs[1].mode, InputMode::kOverlay);
}

TEST_F(WholePipeline, OtherSettings) {
  const Stage& lint = *pipeline_.find_stage("lint");
  EXPECT_EQ(lint.allow_failure.which, AllowFailure::Which::kAll);
  EXPECT_EQ(lint.cache, CachePolicy::kNever);
  EXPECT_EQ(lint.salt, "vRelease");
  EXPECT_EQ(std::get<NumericUser>(lint.user).uid, 1000U);
  EXPECT_EQ(std::get<NumericUser>(lint.user).gid, 100U);
  EXPECT_THAT(lint.shell, ElementsAre("/bin/sh", "-eu"));
  const Stage& test = *pipeline_.find_stage("test");
  EXPECT_EQ(test.when, When::kAlways);
  EXPECT_EQ(test.cache, CachePolicy::kAlways);
  EXPECT_EQ(test.cache_ttl, std::chrono::hours(24));
  EXPECT_EQ(test.needs[0].stage, "lint");
  EXPECT_EQ(std::get<NamedUser>(test.user).name, "nobody");
  EXPECT_EQ(test.workdir.str(), "deep");
  EXPECT_THAT(test.shell, ElementsAre("/bin/bash", "-e"));
}

TEST(ParsePipeline, Tests) {
  const auto parsed = parse_pipeline(
      "f",
      "stagebox: 1\nimages: {i: {tarball: i}}\nstages:\n  t:\n    image: i\n    run: x\n"
      "    tests: [{junit: \"r/./**/T-*.xml\"}, {tap: a/b.tap, required: false}]\n"
      "    quarantine: [\"net.*\"]\n    retry: {on: [tests, exit:3]}\n");
  const Stage& stage = valid(parsed).stages.at(0);
  ASSERT_EQ(stage.tests.size(), 2U);
  EXPECT_EQ(stage.tests[0].text(), "junit r/**/T-*.xml");
  EXPECT_EQ(stage.tests[0].fixed_part().str(), "r");
  EXPECT_TRUE(stage.tests[0].required);
  EXPECT_EQ(stage.tests[1].text(), "tap a/b.tap");
  EXPECT_EQ(stage.tests[1].fixed_part().str(), "a/b.tap");
  EXPECT_FALSE(stage.tests[1].required);
  EXPECT_EQ(stage.quarantine, std::vector<std::string>{"net.*"});
  EXPECT_EQ(std::get<RetryOn>(stage.retry.on.at(0)), RetryOn::kTests);
}

TEST(ParsePipeline, Coverage) {
  const auto parsed = parse_pipeline(
      "f",
      "stagebox: 1\nimages: {i: {tarball: i}}\nstages:\n  t:\n    image: i\n    run: x\n"
      "    coverage: [{cobertura: \"r/*.xml\"}, {lcov: l.info, required: false}]\n"
      "    summary: said/*.md\n");
  const Stage& stage = valid(parsed).stages.at(0);
  ASSERT_EQ(stage.summary.size(), 1U);
  EXPECT_EQ(stage.summary[0].text(), "markdown said/*.md");
  EXPECT_EQ(stage.summary[0].noun(), "summary");
  EXPECT_FALSE(stage.summary[0].required);
  ASSERT_EQ(stage.coverage.size(), 2U);
  EXPECT_EQ(stage.coverage[0].text(), "cobertura r/*.xml");
  EXPECT_EQ(stage.coverage[0].noun(), "coverage report");
  EXPECT_TRUE(stage.coverage[0].required);
  EXPECT_EQ(stage.coverage[1].text(), "lcov l.info");
  EXPECT_FALSE(stage.coverage[1].required);
  EXPECT_TRUE(stage.tests.empty());
}

TEST(ParsePipeline, TakesParams) {
  const auto parsed = parse_pipeline("f", kWhole, {{"build_type", "Debug"}});
  EXPECT_EQ(valid(parsed).name, "zlib Debug");
}

TEST(ParsePipeline, TakesJson) {
  const auto parsed = parse_pipeline("f", R"({"stagebox": 1, "images": {"a": {"name": "x"}},
               "stages": {"s": {"image": "a", "run": ["true"], "env": {"N": 1}}}})");
  EXPECT_EQ(valid(parsed).stages.at(0).env.at("N"), "1");
}

TEST(ParsePipeline, AnOverlayInputMayHoldOutputs) {
  const auto parsed = parse_pipeline("f", R"(stagebox: 1
images: {a: {name: x}}
stages:
  s: {image: a, run: make, inputs: {src: {path: ., mode: overlay}}, outputs: {o: src/out}}
)");
  EXPECT_EQ(valid(parsed).stages.size(), 1U);
}

TEST(ParsePipeline, SharesByAnchor) {
  const auto parsed = parse_pipeline("f", R"(stagebox: 1
images: {a: {name: x}}
stages:
  s: &s {image: a, run: make}
  t: *s
)");
  EXPECT_EQ(valid(parsed).stages.size(), 2U);
}

TEST(ParsePipeline, AStageKnowsHowTrustedTheRunIs) {
  constexpr const char* kFile = R"(stagebox: 1
images: {gcc: {name: x}}
stages:
  all: {image: gcc, env: {T: "${{ run.trust }}"}, run: "echo ${{ run.trust }}"}
  release: {image: gcc, if: run.trust == 'trusted', run: make}
)";
  for (const base::Trust trust : {base::Trust::kTrusted, base::Trust::kUntrusted}) {
    const auto parsed = parse_pipeline("f", kFile, {}, {trust});
    const auto* pipeline = std::get_if<Pipeline>(&parsed);
    ASSERT_NE(pipeline, nullptr) << std::get<Diagnostics>(parsed).render();
    const std::string text(base::to_string(trust));
    EXPECT_EQ(pipeline->stages[0].env.at("T"), text);
    EXPECT_EQ(pipeline->stages[0].env.at("STAGEBOX_RUN_TRUST"), text);
    EXPECT_EQ(std::get<Script>(pipeline->stages[0].run).text, "echo ${STAGEBOX_RUN_TRUST}");
    EXPECT_EQ(pipeline->stages[1].condition, trust == base::Trust::kTrusted);
  }
}

}  // namespace
}  // namespace stagebox::scheduler
