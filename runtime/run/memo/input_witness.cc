#include "runtime/run/memo/input_witness.h"

#include "runtime/run/memo/memo_check.h"

namespace stagebox::run {

void InputWitness::see_file(const std::string& path, const struct stat& status) {
  const std::scoped_lock lock(mutex_);
  places_.try_emplace({MemoPlace::Root::kProject, path}, store::EntryStamp::of(status));
}

void InputWitness::look(MemoPlace::Root root, const std::string& path, int project_fd) {
  const std::scoped_lock lock(mutex_);
  if (places_.contains({root, path})) return;
  const MemoPlace place{root, path, {}};
  places_.try_emplace({root, path}, stamp_at(place, project_fd));
}

void InputWitness::see_walk(const std::string& name, const std::string& path,
                            store::WalkWitness witness) {
  const std::scoped_lock lock(mutex_);
  walks_.try_emplace(name, MemoWalk{path, witness.take()});
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
