#include "runtime/test_reports/test_case.h"

#include <unordered_map>
#include <unordered_set>

#include "runtime/base/utf8.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::test_reports {

void number_twins(std::vector<TestCase>& cases) {
  const auto identity = [](const std::string& suite, const std::string& name) {
    return suite + '\0' + name;
  };
  std::unordered_set<std::string> taken;
  std::unordered_map<std::string, std::size_t> counts;
  for (TestCase& test : cases) {
    const std::string own = identity(test.suite, test.name);
    if (taken.insert(own).second) continue;
    std::size_t& count = counts.try_emplace(own, 1).first->second;
    for (;;) {
      const std::string number = " (" + std::to_string(++count) + ")";
      std::string name = base::cut_end(test.name, CaseLimits::kName - number.size()) + number;
      if (!taken.insert(identity(test.suite, name)).second) continue;
      test.name = std::move(name);
      break;
    }
  }
}

}  // namespace stagebox::test_reports
