#include "runtime/run/memo/input_witness.h"

#include "runtime/run/memo/memo_check.h"

namespace stagebox::run {

void InputWitness::note(const PlaceName& name, const std::optional<store::EntryStamp>& stamp) {
  const std::scoped_lock lock(mutex_);
  const auto [place, is_new] = places_.try_emplace(name, stamp);
  if (!is_new && place->second != stamp) consistent_ = false;
}

void InputWitness::see_file(const std::string& path, const struct stat& status) {
  note({MemoPlace::Root::kProject, path}, store::EntryStamp::of(status));
}

void InputWitness::look(MemoPlace::Root root, const std::string& path, int project_fd) {
  note({root, path}, stamp_at({root, path, {}}, project_fd));
}

void InputWitness::see_walk(const std::string& name, const std::string& path,
                            store::WalkWitness witness) {
  MemoWalk walk{path, witness.take()};
  const std::scoped_lock lock(mutex_);
  const auto found = walks_.find(name);
  if (found == walks_.end())
    walks_.emplace(name, std::move(walk));
  else if (found->second != walk)
    consistent_ = false;
}

bool InputWitness::is_consistent() {
  const std::scoped_lock lock(mutex_);
  return consistent_;
}

std::vector<MemoPlace> InputWitness::take_places() {
  const std::scoped_lock lock(mutex_);
  std::vector<MemoPlace> places;
  places.reserve(places_.size());
  for (const auto& [place, stamp] : places_) places.push_back({place.first, place.second, stamp});
  places_.clear();
  return places;
}

std::vector<MemoWalk> InputWitness::take_walks() {
  const std::scoped_lock lock(mutex_);
  std::vector<MemoWalk> walks;
  walks.reserve(walks_.size());
  for (auto& [name, walk] : walks_) walks.push_back(std::move(walk));
  walks_.clear();
  return walks;
}

}  // namespace stagebox::run
