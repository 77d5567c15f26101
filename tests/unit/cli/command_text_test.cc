// Completions and manual pages of a small command tree.
#include <gmock/gmock.h>

#include "runtime/cli/completion.h"
#include "runtime/cli/manual.h"

namespace stagebox::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CommandInfo sample() {
  OptionInfo flag{{"-q", "--quiet"}, "", "Say it's \\ nothing", false, {}};
  OptionInfo format{{"--format"}, "a|b", "How", false, {"a", "b"}};
  OptionInfo file{{}, "FILE", ".What", true, {}};
  return {"stagebox",
          "All",
          {flag},
          {{"image", "Images", {}, {{"import", "Import one", {format, file}, {}}}}}};
}

TEST(ManualPage, NamesWhatIsBelow) {
  const std::string page = manual_page(sample(), {"image"});
  EXPECT_THAT(page, HasSubstr("\\fBstagebox\\-image\\-import\\fR(1)"));
  EXPECT_THAT(page, HasSubstr("Import one"));
}

TEST(ManualPage, TextIsNotTakenForRequestsOrEscapes) {
  const std::string page = manual_page(sample(), {"image", "import"});
  EXPECT_THAT(page, HasSubstr("\n\\&.What.\n"));
  EXPECT_THAT(page, HasSubstr("\\fBstagebox image import\\fR [\\fIOPTIONS\\fR] \\fIFILE\\fR\n"));
  EXPECT_THAT(manual_page(sample(), {}), HasSubstr("Say it's \\e nothing"));
}

TEST(CompletionScript, QuotesWhatItSays) {
  const std::string fish = completion_script(sample(), Shell::kFish);
  EXPECT_THAT(fish, HasSubstr("-a import -d 'Import one'"));
  EXPECT_THAT(fish, HasSubstr("-l format -r -f -a 'a b' -d 'How'"));
  EXPECT_THAT(completion_script(sample(), Shell::kZsh), HasSubstr("#compdef stagebox\n"));
  EXPECT_THAT(completion_script(sample(), Shell::kBash), Not(HasSubstr("compdef")));
}

}  // namespace
}  // namespace stagebox::cli
