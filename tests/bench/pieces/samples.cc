#include "samples.h"

#include <random>

namespace stagebox::bench {
namespace {

// In an order that looks like none.
std::size_t scattered(std::size_t i) { return i * 104729 % 65536; }

std::string number(std::size_t value) { return std::to_string(value); }

}  // namespace

std::string build_output(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) {
    text += "[" + number(i) + "/80000] Building CXX object src/module_" +
            number(scattered(i) % 977) + ".cc.o: took " + number(i * 7919 % 1000) + " ms, " +
            number(scattered(i)) + " KiB of memory\n";
  }
  return text;
}

std::string same_line(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes)
    text += "a line of a stage that says the same all the time, at length\n";
  return text;
}

std::string noise(std::size_t bytes) {
  std::mt19937_64 random(1);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string chain(std::size_t stages) {
  std::string text =
      "stagebox: 1\nname: chain\nimages: {bb: {tarball: bb.tar}}\n"
      "defaults: {image: bb}\nstages:\n";
  for (std::size_t i = 0; i < stages; ++i) {
    text += "  s" + number(i) + ":\n    run: [\"true\"]\n";
    if (i > 0) text += "    needs: [s" + number(i - 1) + "]\n";
  }
  return text;
}

std::vector<std::string> paths(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back("src/part_" + number(scattered(i) % 31) + "/detail_" + number(i % 7) + "/file_" +
                  number(i) + (i % 5 == 0 ? ".o" : ".cc"));
  }
  return all;
}

std::string junit_report(std::size_t cases) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites><testsuite name=\"pytest\">";
  for (std::size_t i = 0; i < cases; ++i) {
    text += "<testcase classname=\"tests.test_part_" + number(i % 37) + "\" name=\"test_" +
            number(i) + "\" time=\"0.0" + number(i % 100) + "\">";
    if (i % 10 == 0)
      text +=
          "<failure message=\"assert 1 == 2\">def test():\n&gt;   assert 1 == 2\nE   assert 1 == "
          "2</failure>";
    text += "</testcase>";
  }
  return text + "</testsuite></testsuites>";
}

}  // namespace stagebox::bench
