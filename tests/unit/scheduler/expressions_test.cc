#include "scheduler/file/expressions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/file/script_expressions.h"
#include "scheduler/file/shell_quotes.h"

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;

class ExpressionsTest : public ::testing::Test {
 protected:
  std::string expand(std::string_view text, EnvUse use = EnvUse::kStage) {
    const auto expanded = ExpressionValues(params_, budget_, use, &env_).expand(text);
    std::string mistakes;
    for (const auto& mistake : expanded.mistakes)
      mistakes += std::to_string(mistake.offset) + ": " + mistake.message + "; " + mistake.hint;
    return expanded.text.value_or(mistakes);
  }
  RewrittenScript rewrite(std::string_view script) {
    return rewrite_script(script, ExpressionValues(params_, budget_, EnvUse::kStage, &env_));
  }
  std::size_t mistakes(std::string_view script) { return rewrite(script).mistakes.size(); }

  NamedValues params_{{"type", "Debug"}, {"evil", "$(reboot); '\"\n`"}, {"broken", std::nullopt}};
  NamedValues env_{{"CFLAGS", "-O2"}};
  ExpansionBudget budget_;
};

TEST_F(ExpressionsTest, Expand) {
  EXPECT_EQ(expand("plain $x ${y} }}"), "plain $x ${y} }}");
  EXPECT_EQ(expand("a${{ params.type }}b${{params.type}}"), "aDebugbDebug");
  EXPECT_EQ(expand("${{env.CFLAGS}}"), "-O2");
  EXPECT_EQ(expand("${{ params.broken }}"), "");
}

TEST_F(ExpressionsTest, AValueIsNotExpandedAgain) {
  params_["outer"] = "${{ params.type }}";
  EXPECT_EQ(expand("${{ params.outer }}"), "${{ params.type }}");
}

TEST_F(ExpressionsTest, Mistakes) {
  EXPECT_EQ(expand("a ${{ params.typo }}"), "2: unknown parameter `typo`; did you mean `type`?");
  EXPECT_THAT(expand("${{ env.CFLAG }}"), HasSubstr("did you mean `CFLAGS`?"));
  EXPECT_THAT(expand("${{ param.type }}"), HasSubstr("did you mean `params`?"));
  EXPECT_THAT(expand("${{ params.type"), HasSubstr("does not end"));
  for (const char* text : {"${{ }}", "${{ params }}", "${{ params. }}", "${{ params.a.b }}",
                           "${{ params.type == 'x' }}", "${{ params['type'] }}"})
    EXPECT_THAT(expand(text), HasSubstr("cannot read the expression")) << text;
  EXPECT_THAT(expand("${{ secrets.TOKEN }}"),
              HasSubstr("is not supported by this version of Stagebox yet"));
  EXPECT_THAT(expand("${{ hash(src/x) }}"), HasSubstr("`hash` cannot be used"));
  EXPECT_THAT(rewrite("echo \"${{ hash(src/x) }}\"").mistakes.front().message,
              HasSubstr("`hash` cannot be used"));
  EXPECT_THAT(expand("${{ env.CFLAGS }}", EnvUse::kForbidden), HasSubstr("cannot be used"));
  EXPECT_THAT(expand("${{ run.trust }}"), HasSubstr("`run` cannot be used"));
  EXPECT_EQ(expand("${{ env.ANY }}", EnvUse::kUnchecked), "");
}

TEST_F(ExpressionsTest, TheCallOfHash) {
  const auto patterns = [](std::string_view text) {
    const auto parts = split_expressions(text);
    const auto* hash = std::get_if<HashPart>(&parts.front());
    return hash == nullptr ? std::vector<std::string_view>{} : hash->patterns;
  };
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  EXPECT_THAT(patterns("${{ hash(src/a.lock) }}"), ElementsAre("src/a.lock"));
  EXPECT_THAT(patterns("${{hash( 'a b', \"c,)\" ,!**/d-[x].* )}}"),
              ElementsAre("a b", "c,)", "!**/d-[x].*"));
  for (const char* text :
       {"${{ hash }}", "${{ hash() }}", "${{ hash(a }}", "${{ hash(a,) }}", "${{ hash(,a) }}",
        "${{ hash('a) }}", "${{ hash('') }}", "${{ hash(a b) }}", "${{ hash(a) + 1 }}",
        "${{ hash(a)) }}", "${{ hash.a }}", "${{ hash('a'b) }}"}) {
    EXPECT_THAT(patterns(text), IsEmpty()) << text;
    EXPECT_THAT(expand(text), HasSubstr("cannot read the expression")) << text;
  }
}

TEST_F(ExpressionsTest, CannotBecomeGigabytes) {
  params_["big"] = std::string(1'000'000, 'x');
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "${{ params.big }}";
  EXPECT_THAT(expand(text), HasSubstr("expand to more than 32 MiB"));
}

TEST_F(ExpressionsTest, AScriptGetsVariablesAndNeverValues) {
  const RewrittenScript script =
      rewrite("echo \"${{ params.evil }}\" ${{ env.CFLAGS }} ${{ params.evil }}\n");
  EXPECT_TRUE(script.mistakes.empty());
  EXPECT_EQ(script.text,
            "echo \"${STAGEBOX_PARAMS_EVIL}\" ${STAGEBOX_ENV_CFLAGS} ${STAGEBOX_PARAMS_EVIL}\n");
  EXPECT_EQ(script.variables.at("STAGEBOX_PARAMS_EVIL"), "$(reboot); '\"\n`");
  EXPECT_EQ(script.variables.at("STAGEBOX_ENV_CFLAGS"), "-O2");
  EXPECT_EQ(script.variables.size(), 2U);
}

TEST_F(ExpressionsTest, AScriptWhereTheShellWouldNotReplaceIt) {
  EXPECT_EQ(mistakes("echo '${{ params.type }}'"), 1U);
  EXPECT_EQ(mistakes("echo \"it's ${{ params.type }}\""), 0U);
  EXPECT_EQ(mistakes("echo it\\'s ${{ params.type }}"), 0U);
  EXPECT_EQ(mistakes("# don't\necho ${{ params.type }}"), 0U);
  EXPECT_EQ(mistakes("echo a#b 'c' ${{ params.type }}"), 0U);
  EXPECT_EQ(mistakes("echo \\${{ params.type }}"), 1U);
  EXPECT_EQ(mistakes("echo \\\\${{ params.type }}"), 0U);
  EXPECT_EQ(mistakes("echo $${{ params.type }}"), 1U);
  EXPECT_EQ(mistakes("cat <<EOF\ndon't ${{ params.type }}\nEOF\necho ${{ params.type }}"), 0U);
  EXPECT_EQ(mistakes("cat <<'EOF'\n${{ params.type }}\nEOF\n"), 1U);
  EXPECT_EQ(mistakes("cat <<-\"EOF\" | tee x\n\t${{ params.type }}\n\tEOF\n"), 1U);
  EXPECT_EQ(mistakes("cat << \\EOF\nx\nEOF\necho ${{ params.type }}"), 0U);
  EXPECT_EQ(mistakes("cat <<'EOF'\n'\nEOF\necho ${{ params.type }} 'x'"), 0U);
  EXPECT_EQ(mistakes("echo ${{ params.tpye }} ${{ params.x"), 2U);
}

TEST_F(ExpressionsTest, ManyMistakesCostLittle) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "${{ params.typo }} ";
  EXPECT_LE(mistakes(text), 20U);
}

TEST(IsPosixShell, GoesByName) {
  EXPECT_TRUE(is_posix_shell("/bin/sh"));
  EXPECT_TRUE(is_posix_shell("bash"));
  EXPECT_FALSE(is_posix_shell("/usr/bin/python3"));
  EXPECT_FALSE(is_posix_shell(""));
}

}  // namespace
}  // namespace stagebox::scheduler
