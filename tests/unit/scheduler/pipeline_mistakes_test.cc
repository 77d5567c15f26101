// What people get wrong in a pipeline file, and exactly what they are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/file/parse_pipeline.h"

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;

std::string mistakes(std::string_view text, const ParamOverrides& overrides = {}) {
  const auto parsed = parse_pipeline("stagebox.yaml", text, overrides);
  const auto* wrong = std::get_if<Diagnostics>(&parsed);
  return wrong == nullptr ? "" : wrong->render();
}

// A good file but for the body of its only stage, which begins in line 4, column 5.
std::string in_stage(std::string_view body) {
  return mistakes("stagebox: 1\nimages: {gcc: {tarball: gcc.tar}}\nstages: {s: {\n    " +
                  std::string(body) + "}}\n");
}
// The same with an image and a script.
std::string with(std::string_view body) {
  return in_stage(std::string(body) + ", image: gcc, run: make");
}

TEST(PipelineMistakes, AreAllReportedAtOnce) {
  EXPECT_EQ(mistakes(R"(stagebox: 1
nmae: demo
params:
  type: {default: Fast, choices: [Debug, Release]}
images:
  gcc: {tarball: ../gcc.tar}
defaults:
  image: gcc
  run: make
stages:
  build:
    run: make
    tests: [{required: true}]
    timeout: soon
    resources: {memory: 4kB, cpu: 2}
    inputs:
      src: {path: .}
      src/lib: {path: lib}
    outputs:
      bin: src/bin
      log: /tmp/log
    needs: [test]
  tset:
    image: gc
    inputs:
      bin: {from: build.bni}
      x: {from: biuld.bin}
    allow_failure: yes
    run: echo '${{ params.tpye }}'
  tset:
    run: again
  test:
    needs: [build]
    run: ""
)"),
            "stagebox.yaml:2:1: unknown key `nmae` in the pipeline; did you mean `name`?\n"
            "stagebox.yaml:4:19: the default `Fast` is not one of the choices; known are `Debug`, "
            "`Release`\n"
            "stagebox.yaml:6:18: `tarball`: the path \"../gcc.tar\" contains \"..\"; archives come "
            "from the pipeline file's directory and what is below it; others are imported first, "
            "and used by `name`\n"
            "stagebox.yaml:9:3: unknown key `run` in the defaults; it belongs to one stage and "
            "cannot be a default\n"
            "stagebox.yaml:11:3: the stages need each other in a cycle: build -> test -> build; "
            "remove one of these `needs` or `from`\n"
            "stagebox.yaml:13:13: each of the `tests` must have one of `junit` or `tap`; write for "
            "example [{junit: \"reports/*.xml\"}]\n"
            "stagebox.yaml:14:14: `timeout` must be a duration of at most 876000h, found `soon`; "
            "write for example "
            "90s, 10m or 1h30m\n"
            "stagebox.yaml:15:25: `memory` must be at least 1.0 MiB, found `4kB` (no process "
            "starts with less)\n"
            "stagebox.yaml:15:30: unknown key `cpu` in the resources; did you mean `cpus`?\n"
            "stagebox.yaml:18:7: the input `src/lib` lies inside of the input `src`; paths must "
            "not overlap\n"
            "stagebox.yaml:20:7: the output `bin` (`src/bin`) lies inside of the input `src`, "
            "which is read-only; write it elsewhere, or give the input `mode: overlay`\n"
            "stagebox.yaml:21:12: the path of the output `log`: the path \"/tmp/log\" is absolute; "
            "it must be relative\n"
            "stagebox.yaml:24:12: unknown image `gc`; did you mean `gcc`?\n"
            "stagebox.yaml:26:19: unknown output of the stage `build`: `bni`; did you mean `bin`?\n"
            "stagebox.yaml:27:17: unknown stage `biuld`; did you mean `build`?\n"
            "stagebox.yaml:28:20: `allow_failure` must be true or false, found `yes`\n"
            "stagebox.yaml:29:16: an expression in single quotes would not be replaced; in a "
            "script it becomes the variable ${STAGEBOX_PARAMS_TPYE}, which the shell replaces "
            "unquoted or in double quotes only\n"
            "stagebox.yaml:29:16: unknown parameter `tpye`; did you mean `type`?\n"
            "stagebox.yaml:30:3: the key `tset` is already in line 23; remove one of them, or give "
            "one another name\n"
            "stagebox.yaml:34:10: `run` is empty; it must execute something\n");
}

TEST(PipelineMistakes, TopLevel) {
  EXPECT_THAT(mistakes("name: x\n"),
              HasSubstr("1:1: the format version is missing; write `stagebox: 1`"));
  EXPECT_EQ(mistakes("stagebox: 2\nfuture: {}\n"),
            "stagebox.yaml:1:11: `stagebox` must be 1, found the number `2`; it is the version of "
            "the file format; this Stagebox reads version 1\n");
  EXPECT_THAT(mistakes("stagebox: \"1\"\n"), HasSubstr("must be 1, found the text `1`"));
  EXPECT_THAT(mistakes("- a\n"), HasSubstr("a pipeline file must be a mapping, found a list"));
  EXPECT_THAT(mistakes("stagebox: 1\n"), HasSubstr("the pipeline has no `stages`"));
  EXPECT_THAT(mistakes("stagebox: 1\nstages: {}\n"), HasSubstr("2:9: the pipeline has no stages"));
  EXPECT_THAT(mistakes("stagebox: 1\nstages:\n"),
              HasSubstr("`stages` must be a mapping, found nothing"));
  EXPECT_THAT(mistakes("stagebox: 1\njobs: {}\n"), HasSubstr("did you mean `stages`?"));
  EXPECT_THAT(
      mistakes("stagebox: 1\nstages: {a: make}\n"),
      HasSubstr("the stage `a` must be a mapping, found the text `make`; write for example"));
}

TEST(PipelineMistakes, Params) {
  const auto params = [](std::string_view body, const ParamOverrides& overrides = {}) {
    return mistakes("stagebox: 1\nparams: {" + std::string(body) +
                        "}\nimages: {a: {name: x}}\nstages: {s: {image: a, run: make}}\n",
                    overrides);
  };
  EXPECT_EQ(params("p: {default: a}", {{"p", "b"}}), "");
  EXPECT_THAT(params("p: {}"), HasSubstr("the parameter `p` has no value; pass --param p=VALUE"));
  EXPECT_EQ(params("p: {}", {{"p", "x"}}), "");
  EXPECT_EQ(
      params("type: {default: a}", {{"tpye", "b"}}),
      "stagebox.yaml: --param `tpye`: the file has no such parameter; did you mean `type`?\n");
  EXPECT_EQ(params("p: {default: Debug, choices: [Debug, Release]}", {{"p", "debgu"}}),
            "stagebox.yaml: --param p: the value `debgu` is not one of the choices; did you mean "
            "`Debug`?\n");
  EXPECT_THAT(params("p: {default: a}", {{"p", "\xff"}}), HasSubstr("--param p: the byte 0xFF"));
  EXPECT_THAT(params("p: {default: a}", {{"p", "\x1b[2J"}}), HasSubstr("invisible character"));
  EXPECT_THAT(params("p: Release"), HasSubstr("the parameter `p` must be a mapping"));
  EXPECT_THAT(params("p: {default: \"${{ params.q }}\"}, q: {default: 1}"),
              HasSubstr("cannot contain an expression"));
  EXPECT_THAT(params("a-b: {default: a}"), HasSubstr("invalid parameter name `a-b`"));
  EXPECT_THAT(params("ab: {default: a}, AB: {default: a}"), HasSubstr("differ only in case"));
  EXPECT_THAT(params("p: {default: a, choices: []}"), HasSubstr("`choices` is empty"));
  EXPECT_THAT(params("p: {default: [a]}"), HasSubstr("must be a text, found a list"));
}

TEST(PipelineMistakes, Images) {
  const auto image = [](std::string_view body) {
    return mistakes("stagebox: 1\nimages: {a: " + std::string(body) +
                    "}\nstages: {s: {image: a, run: make}}\n");
  };
  EXPECT_EQ(image("{tarball: x.tar}"), "");
  EXPECT_THAT(image("{}"), HasSubstr("must have either `tarball` or `name`, found neither"));
  EXPECT_THAT(image("{tarball: x, name: y}"), HasSubstr("found both"));
  EXPECT_THAT(image("{tarball: /x}"), HasSubstr("is absolute"));
  EXPECT_THAT(image("{name: x, digest: sha256:AB}"), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(image("x.tar"), HasSubstr("must be a mapping, found the text `x.tar`"));
  EXPECT_THAT(image("{tarbal: x}"), HasSubstr("did you mean `tarball`?"));
  EXPECT_THAT(image("{name: \"${{ env.X }}\"}"), HasSubstr("`env` cannot be used"));
}

TEST(PipelineMistakes, Capabilities) {
  EXPECT_THAT(with("capabilities: all"),
              HasSubstr("`capabilities` must be `none`, `docker` or a list of names"));
  EXPECT_THAT(with("capabilities: {}"), HasSubstr("found an empty mapping"));
  EXPECT_THAT(
      with("capabilities: [CHWON, EVERYTHING]"),
      ::testing::AllOf(HasSubstr("`CHWON` is not a capability"), HasSubstr("did you mean `CHOWN`?"),
                       HasSubstr("`EVERYTHING` is not a capability")));
  EXPECT_THAT(with("capabilities: [CAP_SYSADMIN]"), HasSubstr("did you mean `CAP_SYS_ADMIN`?"));
  EXPECT_THAT(with("network: nat, capabilities: [CHOWN, net_raw]"),
              HasSubstr("with `net_raw` and `network: nat` the stage could reach addresses"));
}

TEST(PipelineMistakes, CacheDirectories) {
  const auto cache = [](std::string_view body) {
    return with("inputs: {src: {path: .}}, outputs: {o: out/o}, caches: [{" + std::string(body) +
                "}]");
  };
  EXPECT_EQ(
      cache("path: .npm, key: \"${{ hash(src/*.lock, '!src/x') }}\", restore: [a], max_size: 1MiB"),
      "");
  EXPECT_THAT(with("caches: x"), HasSubstr("`caches` must be a list"));
  EXPECT_THAT(with("caches: [x]"), HasSubstr("each of the `caches` must be a mapping"));
  EXPECT_THAT(cache("key: a"), HasSubstr("has no `path`"));
  EXPECT_THAT(cache("path: a"), HasSubstr("has no `key`"));
  EXPECT_THAT(cache("paths: a, restore-keys: [b]"), HasSubstr("did you mean `restore`?"));
  EXPECT_THAT(cache("key: a, path: ~"), HasSubstr("a path in the workspace, found nothing"));
  for (const char* path : {"~/.npm", "/root/.npm"})
    EXPECT_THAT(cache("key: a, path: " + std::string(path)),
                HasSubstr("must lie in the workspace"));
  EXPECT_THAT(cache("key: a, path: x/../y"), HasSubstr("contains \"..\""));
  EXPECT_THAT(cache("key: a, path: ."), HasSubstr("cannot be the whole workspace"));
  EXPECT_THAT(cache("key: a, path: src"), HasSubstr("is at or inside of the input `src`"));
  EXPECT_THAT(cache("key: a, path: src/x"), HasSubstr("is at or inside of the input `src`"));
  EXPECT_THAT(cache("key: a, path: out"), HasSubstr("the cache `out` contains the output `o`"));
  EXPECT_THAT(cache("key: a, path: out/o"), HasSubstr("is at or inside of the output `o`"));
  EXPECT_THAT(with("inputs: {a/b: {path: .}}, caches: [{path: a, key: k}]"),
              HasSubstr("the cache `a` contains the input `a/b`"));
  EXPECT_THAT(with("caches: [{path: a, key: k}, {path: a, key: l}]"),
              HasSubstr("at the same path"));
  EXPECT_THAT(with("caches: [{path: a, key: k}, {path: a/b, key: l}]"),
              HasSubstr("lies inside of"));
  EXPECT_THAT(cache("path: a, key: \"\""), HasSubstr("`key` of a cache is empty"));
  EXPECT_THAT(cache("path: a, key: k, restore: [\"\"]"), HasSubstr("each of `restore` is empty"));
  EXPECT_THAT(cache("path: a, key: [b]"), HasSubstr("must be a text"));
  EXPECT_THAT(cache("path: a, key: \"a\\nb\""), HasSubstr("control character"));
  EXPECT_THAT(cache("path: a, key: " + std::string(513, 'k')), HasSubstr("longer than 512 bytes"));
  EXPECT_THAT(cache("path: a, key: \"${{ hash(../x) }}\""), HasSubstr("`hash`: "));
  EXPECT_THAT(cache("path: a, key: \"${{ hash() }}\""), HasSubstr("cannot read the expression"));
  EXPECT_THAT(cache("path: a, key: \"${{ params.x }}\""), HasSubstr("unknown parameter `x`"));
  EXPECT_THAT(cache("path: a, key: k, max_size: 0"), HasSubstr("max_size"));
  EXPECT_THAT(with("env: {A: \"${{ hash(src) }}\"}"), HasSubstr("`hash` cannot be used"));
  EXPECT_THAT(mistakes("stagebox: 1\ndefaults: {caches: [A]}\nstages: {}\n"),
              HasSubstr("it belongs to one stage and cannot be a default"));
}

TEST(PipelineMistakes, Tests) {
  EXPECT_EQ(with("tests: [{junit: \"reports/**/TEST-*.xml\"}, {tap: out.tap, required: false}]"),
            "");
  EXPECT_THAT(with("tests: {junit: a.xml}"), HasSubstr("`tests` must be a list"));
  EXPECT_THAT(with("tests: [a.xml]"), HasSubstr("each of the `tests` must be a mapping"));
  EXPECT_THAT(with("tests: [{required: true}]"), HasSubstr("must have one of `junit` or `tap`"));
  EXPECT_THAT(with("tests: [{junit: a, tap: b}]"), HasSubstr("must have one of"));
  EXPECT_THAT(with("tests: [{junit: ../a.xml}]"), HasSubstr("contains \"..\""));
  EXPECT_THAT(with("tests: [{junit: /a.xml}]"), HasSubstr("/a.xml"));
  EXPECT_THAT(with("tests: [{junit: .}]"), HasSubstr("names no file"));
  EXPECT_THAT(with("tests: [{junit: \"a[.xml\"}]"), HasSubstr("`junit`: "));
  EXPECT_THAT(with("tests: [{xml: a.xml}]"), HasSubstr("did you mean `junit`?"));
  EXPECT_THAT(with("inputs: {src: {path: .}}, tests: [{junit: \"src/*/a.xml\"}]"),
              HasSubstr("lies inside of the input `src`"));
  EXPECT_THAT(mistakes("stagebox: 1\ndefaults: {tests: [{junit: a}]}\nstages: {}\n"),
              HasSubstr("belongs to one stage"));
}

TEST(PipelineMistakes, Coverage) {
  EXPECT_EQ(with("coverage: [{cobertura: \"c/**/*.xml\"}, {lcov: l.info, required: false}]"), "");
  EXPECT_THAT(with("coverage: {lcov: a}"), HasSubstr("`coverage` must be a list"));
  EXPECT_THAT(with("coverage: [a.xml]"), HasSubstr("each of the `coverage` must be a mapping"));
  EXPECT_THAT(with("coverage: [{required: true}]"),
              HasSubstr("must have one of `cobertura` or `lcov`"));
  EXPECT_THAT(with("coverage: [{junit: a.xml}]"), HasSubstr("unknown key `junit`"));
  EXPECT_THAT(with("coverage: [{lcov: ../a}]"), HasSubstr("contains \"..\""));
  EXPECT_THAT(with("coverage: [{lcov: .}]"), HasSubstr("names no file"));
  EXPECT_THAT(with("coverage: [{lcov: \"[\"}]"), HasSubstr("`lcov`: the pattern \"[\" "));
  EXPECT_THAT(with("coverage: [{xml: a.xml}]"), HasSubstr("did you mean `cobertura`?"));
  EXPECT_THAT(with("inputs: {src: {path: .}}, coverage: [{lcov: src/l.info}]"),
              HasSubstr("the coverage report `lcov src/l.info` lies inside of the input `src`"));
  EXPECT_THAT(with("summary: ."), HasSubstr("`summary` names no file"));
  EXPECT_THAT(with("summary: [a.md]"), HasSubstr("`summary` must be"));
  EXPECT_THAT(with("summary: ../a.md"), HasSubstr("contains \"..\""));
  EXPECT_THAT(with("summary: \"[\""), HasSubstr("`summary`: the pattern \"[\" "));
  EXPECT_THAT(with("job_summary: a.md"), HasSubstr("did you mean `summary`?"));
  EXPECT_THAT(with("inputs: {src: {path: .}}, summary: src/a.md"),
              HasSubstr("the summary `markdown src/a.md` lies inside of the input `src`"));
  EXPECT_THAT(mistakes("stagebox: 1\ndefaults: {coverage: [{lcov: a}]}\nstages: {}\n"),
              HasSubstr("belongs to one stage"));
}

TEST(PipelineMistakes, Quarantine) {
  EXPECT_EQ(with("tests: [{junit: r.xml}], quarantine: [a.b, \"net.*\"]"), "");
  EXPECT_THAT(with("quarantine: [a.b]"), HasSubstr("`quarantine` needs `tests`"));
  EXPECT_THAT(with("quarantine: a.b"), HasSubstr("`quarantine` must be a list"));
  EXPECT_THAT(with("quarantine: [\"a[\"]"), HasSubstr("`quarantine`: the pattern `a[`"));
}

TEST(PipelineMistakes, Secrets) {
  EXPECT_EQ(with("secrets: [A, {name: B, env: C}, {name: D}]"), "");
  EXPECT_THAT(with("secrets: A"), HasSubstr("`secrets` must be a list"));
  EXPECT_THAT(with("secrets: [a-b]"), HasSubstr("invalid secret name `a-b`"));
  EXPECT_THAT(with("secrets: [../x]"), HasSubstr("invalid secret name"));
  EXPECT_THAT(with("secrets: [{env: A}]"), HasSubstr("has no `name`"));
  EXPECT_THAT(with("secrets: [{nam: A}]"), HasSubstr("did you mean `name`?"));
  EXPECT_THAT(with("secrets: [A, A]"), HasSubstr("`A` is there twice"));
  EXPECT_THAT(with("secrets: [{name: A, env: STAGEBOX_X}]"), HasSubstr("is reserved"));
  EXPECT_THAT(with("secrets: [{name: A, env: X}, {name: B, env: X}]"),
              HasSubstr("the variable `X` is set already"));
  EXPECT_THAT(with("env: {X: 1}, secrets: [{name: A, env: X}]"), HasSubstr("`X` is set already"));
  EXPECT_THAT(mistakes("stagebox: 1\ndefaults: {secrets: [A]}\nstages: {}\n"),
              HasSubstr("it belongs to one stage and cannot be a default"));
}

TEST(PipelineMistakes, Networks) {
  for (const char* word : {"none", "nat", "host"})
    EXPECT_EQ(with("network: " + std::string(word)), "");
  EXPECT_EQ(with("network: {allow: [\"deb.debian.org:80\", \"10.0.0.0/8:5432\"]}"), "");
  EXPECT_THAT(with("network: some"), HasSubstr("; write for example {allow: ["));
  EXPECT_THAT(with("network: all"),
              HasSubstr("`network` must be `none`, `nat`, `host` or a mapping with `allow`"));
  EXPECT_THAT(with("network: [a]"),
              HasSubstr("must be `none`, `nat`, `host` or a mapping with `allow`"));
  EXPECT_THAT(with("network: {}"),
              HasSubstr("must be `none`, `nat`, `host` or a mapping with `allow`"));
  EXPECT_THAT(with("network: {alow: [\"a:1\"]}"), HasSubstr("did you mean `allow`?"));
  EXPECT_THAT(with("network: {allow: []}"), HasSubstr("`allow` names nothing"));
  EXPECT_THAT(with("network: {allow: a}"), HasSubstr("`allow` must be a list"));
  EXPECT_THAT(with("network: {allow: [\"a:1\", \"a\", \"b:x\"]}"),
              ::testing::AllOf(HasSubstr("4:30: `allow`: \"a\" has no port"),
                               HasSubstr("4:35: `allow`: \"b:x\": the port must be a number")));
}

TEST(PipelineMistakes, Caches) {
  for (const char* good : {"auto", "never", "always", "{ttl: 24h}", "{ttl: 90s}"})
    EXPECT_EQ(with("cache: " + std::string(good)), "") << good;
  EXPECT_THAT(with("cache: allways"),
              HasSubstr("4:12: `cache` must be `auto`, `never` or `always`"));
  EXPECT_THAT(with("cache: [auto]"), HasSubstr("`cache` must be"));
  EXPECT_THAT(with("cache: {}"), HasSubstr("4:12: `cache` has no `ttl`"));
  EXPECT_THAT(with("cache: {tll: 1h}"), HasSubstr("did you mean `ttl`?"));
  EXPECT_THAT(with("cache: {ttl: soon}"), HasSubstr("4:18: `ttl` must be"));
  EXPECT_EQ(with("salt: \"1\""), "");
  EXPECT_THAT(with("salt: [1]"), HasSubstr("`salt` must be a text"));
}

TEST(PipelineMistakes, StageNames) {
  const auto named = [](const std::string& name) {
    return mistakes("stagebox: 1\nimages: {a: {name: x}}\nstages: {\"" + name +
                    "\": {image: a, run: make}}\n");
  };
  for (const char* good : {"a", "0", "_x", "a.b-c_D9"}) EXPECT_EQ(named(good), "") << good;
  for (const char* bad : {"", ".a", "-a", "a b", "a/b", "..", "\u00e4", "a\\nb", "a[b]"})
    EXPECT_THAT(named(bad), HasSubstr("invalid stage name")) << bad;
  EXPECT_EQ(named(std::string(64, 'a')), "");
  EXPECT_THAT(named(std::string(65, 'a')), HasSubstr("has 65 characters; the limit is 64"));
  EXPECT_THAT(named("${{ params.x }}"), HasSubstr("expressions are not allowed in names and keys"));
}

TEST(PipelineMistakes, Run) {
  EXPECT_THAT(in_stage("image: gcc"), HasSubstr("the stage `s` has no `run`"));
  EXPECT_THAT(in_stage("run: make"), HasSubstr("3:10: the stage `s` has no `image`"));
  EXPECT_THAT(in_stage("image: gcc, run: \" \\n \""), HasSubstr("`run` is empty"));
  EXPECT_THAT(in_stage("image: gcc, run: []"), HasSubstr("`run` names no program"));
  EXPECT_THAT(in_stage("image: gcc, run: [\"\"]"), HasSubstr("`run` names no program"));
  EXPECT_THAT(in_stage("image: gcc, run: {a: b}"),
              HasSubstr("`run` must be a script or a list of arguments, found a mapping"));
  EXPECT_THAT(in_stage("image: gcc, run: [a, [b]]"),
              HasSubstr("each item of `run` must be a text"));
  EXPECT_THAT(in_stage("image: gcc, script: make"), HasSubstr("did you mean `run`?"));
  EXPECT_THAT(in_stage("image: {tarball: x}, run: make"),
              HasSubstr("describe the image under `images`"));
}

TEST(PipelineMistakes, AnExpressionIsNeverExecuted) {
  EXPECT_THAT(in_stage("image: gcc, env: {A: b}, run: [sh, -ec, \"echo ${{ env.A }}\"]"),
              HasSubstr("would be executed as shell code"));
  EXPECT_EQ(in_stage("image: gcc, env: {A: b}, run: [sh, -c, 'echo \"$1\"', sh, \"${{ env.A }}\"]"),
            "");
  EXPECT_THAT(in_stage("image: gcc, shell: [python3], env: {A: b}, run: \"print(${{ env.A }})\""),
              HasSubstr("only a POSIX shell replaces"));
}

TEST(PipelineMistakes, Env) {
  EXPECT_THAT(with("env: {1A: x}"), HasSubstr("invalid environment variable name `1A`"));
  EXPECT_THAT(with("env: {A=B: x}"), HasSubstr("invalid environment variable name"));
  EXPECT_THAT(with("env: {STAGEBOX_X: x}"), HasSubstr("is reserved"));
  EXPECT_THAT(with("env: {A: }"), HasSubstr("must be a text, found nothing; write \"\" for"));
  EXPECT_THAT(with("env: {A: [x]}"), HasSubstr("the variable `A` must be a text, found a list"));
  EXPECT_THAT(with("env: [A=x]"), HasSubstr("`env` must be a mapping, found a list"));
  EXPECT_THAT(with("env: {A: a, B: \"${{ env.A }}\"}"), HasSubstr("only `params` can"));
  EXPECT_THAT(with("env: {A: " + std::string(200'000, 'x') + "}"),
              HasSubstr("longer than 128 KiB"));
  EXPECT_EQ(with("env: {A: 1, B: true, C: 1.10, D: \"\"}"), "");
}

// The shell of a stage would be said not to be there.
TEST(PipelineMistakes, CommandsAreNoLongerThanTheKernelTakesThem) {
  const auto told = [](const std::string& run) {
    return mistakes("stagebox: 1\nimages: {a: {name: a}}\nstages:\n  s: {image: a, run: " + run +
                    "}\n");
  };
  const std::string most(131'071, 'x');
  for (const auto& [before, after] : {std::pair{"", ""}, std::pair{"[echo, ", "]"}}) {
    EXPECT_EQ(told(before + most + after), "");
    EXPECT_THAT(told(before + most + "x" + after), HasSubstr("`run` is longer than 128 KiB"));
  }
}

TEST(PipelineMistakes, Limits) {
  for (const char* bad : {"cpus: 0",
                          "cpus: -1",
                          "cpus: many",
                          "cpus: 1e9",
                          "cpus: inf",
                          "cpus: nan",
                          "cpus: 99999",
                          "memory: 1023kB",
                          "memory: 1XB",
                          "memory: -1",
                          "pids: 0",
                          "pids: 1",
                          "pids: -1",
                          "shm_size: 1KiB",
                          "shm_size: -1",
                          "memory: 1GiB, shm_size: 1025MiB",
                          "shm_size: 1025MiB, memory: 1GiB",
                          "pids: 1.5",
                          "pids: 99999999999999999999",
                          "disk: 0",
                          "memory: [1]",
                          "cpus: "})
    EXPECT_NE(with("resources: {" + std::string(bad) + "}"), "") << bad;
  for (const char* good : {"cpus: 0.01", "cpus: 64", "memory: 1MiB", "shm_size: 1MiB",
                           "memory: 1GiB, shm_size: 1GiB", "pids: 2", "disk: 1.5GiB"})
    EXPECT_EQ(with("resources: {" + std::string(good) + "}"), "") << good;
  EXPECT_THAT(with("timeout: 0s"), HasSubstr("`timeout` must be more than 0, found `0s`"));
  EXPECT_THAT(with("timeout: {a: b}"),
              HasSubstr("must be a duration such as 10m, found a mapping"));
  EXPECT_THAT(with("resources: {cpus: 0}"),
              HasSubstr("`cpus` must be a number from 0.01 to 4096, found `0`"));
}

TEST(PipelineMistakes, Inputs) {
  EXPECT_THAT(with("inputs: {../x: {path: .}}"), HasSubstr("contains \"..\""));
  EXPECT_THAT(with("inputs: {/x: {path: .}}"), HasSubstr("is absolute"));
  EXPECT_THAT(with("inputs: {.: {path: .}}"), HasSubstr("cannot be the whole workspace"));
  EXPECT_THAT(with("inputs: {a: {path: ../../etc}}"), HasSubstr("contains \"..\""));
  EXPECT_THAT(with("inputs: {a: {path: /etc}}"), HasSubstr("is absolute"));
  EXPECT_THAT(with("inputs: {a: {}}"), HasSubstr("either `path` or `from`, found neither"));
  EXPECT_THAT(with("inputs: {a: {path: ., from: s.x}}"), HasSubstr("found both"));
  EXPECT_THAT(with("inputs: {a: {from: s}}"), HasSubstr("`from` must be STAGE.OUTPUT, found `s`"));
  EXPECT_THAT(with("inputs: {a: {path: x}, ./a: {path: y}}"),
              HasSubstr("the input `a` is at the same path as the input `a`"));
  EXPECT_THAT(with("inputs: {a: {path: x}, a/b/c: {path: y}}"),
              HasSubstr("paths must not overlap"));
  EXPECT_EQ(with("inputs: {a: {path: x}, ab: {path: x}}"), "");
  EXPECT_THAT(with("inputs: {a: {path: x, mode: rw}}"),
              HasSubstr("must be `ro` or `overlay`, found `rw`"));
  EXPECT_THAT(with("inputs: {a: {path: x, exclude: .git}}"), HasSubstr("`exclude` must be a list"));
  EXPECT_EQ(with("inputs: {a: {path: x, exclude: [/a, \"!/a/b\", \"[a-z]\"], include: [\"*.c\"], "
                 "gitignore: true}}"),
            "");
  EXPECT_THAT(with("inputs: {a: {path: x, exclude: [a, \"\"]}}"),
              HasSubstr("`exclude`: the pattern \"\" is empty"));
  EXPECT_THAT(with("inputs: {a: {path: x, include: [\"[a\"]}}"), HasSubstr("begins no class"));
  EXPECT_THAT(with("inputs: {a: {path: x, gitignore: 7}}"), HasSubstr("`gitignore` must be"));
  EXPECT_THAT(with("inputs: {a: {from: s.o, gitignore: true}}"),
              HasSubstr("`gitignore` goes with `path` only"));
  EXPECT_THAT(with("inputs: {a: {from: s.o, exclude: [x]}}"), HasSubstr("goes with `path` only"));
}

TEST(PipelineMistakes, Outputs) {
  EXPECT_THAT(with("outputs: {o: ../x}"), HasSubstr("contains \"..\""));
  EXPECT_THAT(with("outputs: {o: .}"), HasSubstr("is the whole workspace"));
  EXPECT_THAT(with("outputs: {o: }"), HasSubstr("must be a path or a mapping, found nothing"));
  EXPECT_THAT(with("outputs: {o: {type: file}}"), HasSubstr("has no `path`"));
  EXPECT_THAT(with("outputs: {o: {path: x, type: dir}}"),
              HasSubstr("must be `file` or `directory`"));
  EXPECT_THAT(with("outputs: {o.x: a}"),
              HasSubstr("a dot would be read as the one in STAGE.OUTPUT"));
  EXPECT_THAT(with("outputs: {o: x, p: x/}"), HasSubstr("is at the same path as the output `o`"));
  EXPECT_THAT(with("outputs: {o: x, p: x/y}"), HasSubstr("lies inside of the output `o` (`x`)"));
  EXPECT_THAT(with("inputs: {a: {path: .}}, outputs: {o: a}"),
              HasSubstr("an input cannot be an output"));
  EXPECT_THAT(with("inputs: {a: {path: .}}, outputs: {o: a/b}"), HasSubstr("which is read-only"));
  EXPECT_THAT(with("inputs: {a/b: {path: .}}, outputs: {o: a}"),
              HasSubstr("contains the input `a/b`"));
}

TEST(PipelineMistakes, AParamCannotSmuggleAPathOut) {
  constexpr std::string_view kText =
      "stagebox: 1\nparams: {p: {default: x}}\nimages: {a: {name: x}}\nstages:\n"
      "  s: {image: a, run: make, inputs: {in: {path: \"src/${{ params.p }}\"}},\n"
      "      outputs: {o: \"out/${{ params.p }}\"}, user: \"${{ params.p }}\"}\n";
  EXPECT_EQ(mistakes(kText), "");
  const std::string wrong = mistakes(kText, {{"p", "../../../etc"}});
  EXPECT_THAT(wrong, HasSubstr("5:48: `path`: the path \"src/../../../etc\" contains \"..\""));
  EXPECT_THAT(wrong, HasSubstr("6:20: the path of the output `o`"));
  EXPECT_THAT(wrong, HasSubstr("`user` must be"));
}

TEST(PipelineMistakes, Users) {
  for (const char* good : {"image", "0", "1000", "1000:100", "www-data", "4294967294",
                           "www-data:33", "33:www-data", "web:www-data"})
    EXPECT_EQ(with("user: \"" + std::string(good) + "\""), "") << good;
  for (const char* bad :
       {"-1",           "4294967295", "4294967296", "1:",    ":1",
        "1:2:3",        "a:",         ":a",         "a:b:c", "a:-1",
        "a:4294967295", "-1:a",       "a b:c",      "a:b c", "image:",
        "+1",           "0x10",       "1 ",         "a b",   "18446744073709551617"})
    EXPECT_THAT(with("user: \"" + std::string(bad) + "\""), HasSubstr("`user` must be")) << bad;
}

TEST(PipelineMistakes, NeedsAndCycles) {
  EXPECT_THAT(with("needs: [s]"), HasSubstr("in a cycle: s -> s"));
  EXPECT_THAT(with("needs: s"), HasSubstr("`needs` must be a list, found the text `s`"));
  EXPECT_THAT(with("needs: [x, x]"), HasSubstr("names `x` twice"));
  EXPECT_THAT(with("inputs: {a: {from: s.o}}, outputs: {o: x}"), HasSubstr("cycle: s -> s"));
  EXPECT_THAT(with("when: failure"),
              HasSubstr("can never run: it waits for the failure of a stage"));
  const std::string failing =
      "images: {a: {name: x}}\nstages:\n  f: {image: a, run: x, outputs: {"
      "o: o, l: {path: l, when: failure}, b: {path: b, when: always}}";
  const auto taking = [&failing](const std::string& keys) {
    return mistakes("stagebox: 1\n" + failing + keys);
  };
  constexpr char kTakes[] = "}\n  t: {image: a, run: x, inputs: {i: {from: f.";
  EXPECT_THAT(taking(std::string(kTakes) + "o}}, when: failure}\n"), HasSubstr("can never run"));
  EXPECT_EQ(taking(std::string(kTakes) + "b}}, when: failure}\n"), "");
  EXPECT_EQ(taking(std::string(kTakes) + "l}}, when: always}\n"), "");
  EXPECT_THAT(taking(std::string(kTakes) + "l}}}\n"),
              HasSubstr("5:44: the stage `t` can never run: it waits for the success of `f`"));
  EXPECT_EQ(taking(std::string(", allow_failure: true") + kTakes + "l}}}\n"), "");
  EXPECT_THAT(with("outputs: {o: {path: o, when: never}}"), HasSubstr("`when` must be"));
  EXPECT_THAT(with("when: sucess"), HasSubstr("did you mean `success`?"));
  EXPECT_THAT(mistakes("stagebox: 1\nimages: {a: {name: x}}\nstages:\n"
                       "  a: {image: a, run: x, needs: [c]}\n  b: {image: a, run: x, needs: [a]}\n"
                       "  c: {image: a, run: x, needs: [b]}\n"),
              HasSubstr("4:3: the stages need each other in a cycle: a -> c -> b -> a"));
}

TEST(PipelineMistakes, InDefaultsAreReportedOnceAndEvenWhenOverridden) {
  EXPECT_EQ(mistakes("stagebox: 1\nimages: {a: {name: x}}\n"
                     "defaults: {image: b, timeout: x, env: {A: \"${{ params.p }}\"}}\nstages:\n"
                     "  s: {timeout: 1s, run: make}\n  t: {timeout: 1s, run: make}\n"),
            "stagebox.yaml:3:19: unknown image `b`; known are `a`\n"
            "stagebox.yaml:3:31: `timeout` must be a duration of at most 876000h, found `x`; write "
            "for example 90s, "
            "10m or 1h30m\n"
            "stagebox.yaml:3:44: unknown parameter `p`; none is defined\n");
}

}  // namespace
}  // namespace stagebox::scheduler
