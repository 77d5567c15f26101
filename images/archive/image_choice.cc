#include "images/archive/image_choice.h"

#include <algorithm>

#include "images/base/text.h"

namespace stagebox::images {
namespace {

// Some archives have thousands; a message is to be read.
constexpr std::size_t kMostListed = 20;

bool is_domain(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

bool has_domain(std::string_view name) {
  const std::size_t slash = name.find('/');
  return slash != std::string_view::npos && is_domain(name.substr(0, slash));
}

std::string full_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  std::string full(name);
  if (!has_domain(name)) {
    full = std::string("docker.io/") + (slash == std::string_view::npos ? "library/" : "") + full;
  }
  const std::size_t last = full.rfind('/');
  const bool has_tag = full.find_first_of(":@", last) != std::string::npos;
  return has_tag ? full : full + ":latest";
}

bool is_meant(const Choice& choice, const std::string& reference) {
  if (reference == "@" + std::to_string(choice.position)) return true;
  const auto has_digest = [&](const base::Digest& digest) { return digest.oci() == reference; };
  if (std::ranges::any_of(choice.digests, has_digest)) return true;
  const auto has_name = [&](const std::string& name) { return reference_means(reference, name); };
  return std::ranges::any_of(choice.names, has_name);
}

std::string describe(const Choice& choice) {
  std::string text;
  for (const std::string& name : choice.names) text += (text.empty() ? "" : " = ") + quote(name);
  if (!text.empty()) return text;
  return choice.digests.empty() ? "@" + std::to_string(choice.position)
                                : choice.digests.front().oci();
}

std::string list_of(const std::vector<Choice>& choices, const std::vector<std::size_t>& which) {
  std::string text;
  for (std::size_t i = 0; i < which.size() && i < kMostListed; ++i) {
    text += (text.empty() ? "" : ", ") + describe(choices[which[i]]);
  }
  return which.size() > kMostListed ? text + ", ..." : text;
}

}  // namespace

bool reference_means(std::string_view wanted, std::string_view offered) {
  if (wanted.empty() || offered.empty()) return false;
  if (wanted == offered || full_name(wanted) == full_name(offered)) return true;
  return !has_domain(wanted) && full_name("localhost/" + std::string(wanted)) == full_name(offered);
}

base::Result<std::size_t> choose_image(const std::vector<Choice>& choices,
                                       const Selection& selection) {
  std::vector<std::size_t> all;
  std::vector<std::size_t> meant;
  std::vector<std::size_t> pinned;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    all.push_back(i);
    if (selection.reference && !is_meant(choices[i], *selection.reference)) continue;
    meant.push_back(i);
    const auto& digests = choices[i].digests;
    if (selection.pinned && std::ranges::find(digests, *selection.pinned) != digests.end()) {
      pinned.push_back(i);
    }
  }
  if (!pinned.empty()) return pinned.front();
  if (meant.size() == 1) return meant.front();
  if (meant.empty()) {
    return base::invalid("the archive has no image " + quote(selection.reference.value_or("")) +
                         "; it has " + (all.empty() ? "none" : list_of(choices, all)));
  }
  return base::invalid("the archive has " + std::to_string(meant.size()) +
                       " images that would do; say which with --ref: " + list_of(choices, meant));
}

}  // namespace stagebox::images
