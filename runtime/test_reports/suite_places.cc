#include "runtime/test_reports/suite_places.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

#include "runtime/base/utf8.h"

namespace stagebox::test_reports {
namespace {

using Places = std::set<SuitePlace>;

std::string joined(std::string_view outer, std::string_view inner) {
  std::string text(outer);
  if (!outer.empty() && !inner.empty()) text += " > ";
  return text.append(inner);
}

std::string identity(const TestCase& test) { return test.suite + '\0' + test.name; }

// Sorted as they are, places with one path are neighbours.
bool have_one_path(const SuitePlace& a, const SuitePlace& b) { return a.path == b.path; }

std::string label(const SuitePlace& place, const Places& all) {
  const bool by_host = std::ranges::adjacent_find(all, have_one_path) != all.end();
  const bool by_path = !have_one_path(*all.begin(), *all.rbegin());
  return joined(by_host ? place.host : "", by_path ? place.path : "");
}

// The path of a suite often ends with the class.
bool ends_with_suite(std::string_view label, std::string_view suite) {
  if (!label.ends_with(suite)) return false;
  label.remove_suffix(suite.size());
  return suite.empty() || label.empty() || label.ends_with(" > ");
}

}  // namespace

void tell_places_apart(std::vector<TestCase>& cases, const std::vector<std::size_t>& place_of,
                       const std::vector<SuitePlace>& places) {
  if (places.size() < 2) return;
  std::unordered_map<std::string, Places> found;
  for (std::size_t i = 0; i < cases.size(); ++i)
    found[identity(cases[i])].insert(places[place_of[i]]);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    TestCase& test = cases[i];
    const Places& all = found.at(identity(test));
    if (all.size() < 2) continue;
    const std::string before = label(places[place_of[i]], all);
    const std::string suite =
        ends_with_suite(before, test.suite) ? before : joined(before, test.suite);
    test.suite = base::cut_end(suite, CaseLimits::kName);
  }
}

}  // namespace stagebox::test_reports
