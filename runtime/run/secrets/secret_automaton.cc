#include "runtime/run/secrets/secret_automaton.h"

#include <algorithm>

namespace stagebox::run {
namespace {

constexpr std::size_t kBytes = 256;

}  // namespace

SecretAutomaton::SecretAutomaton(const std::vector<base::LockedBytes>& texts)
    : from_start_(kBytes, kStart), sieve_(texts) {
  std::size_t most = 1;
  for (const base::LockedBytes& text : texts) most += text.size();
  nodes_.reserve(most);
  nodes_.emplace_back();
  for (const base::LockedBytes& text : texts) add(text);
  link();
}

SecretAutomaton::State SecretAutomaton::child(State state, std::uint8_t byte) const {
  if (state == kStart) return from_start_[byte];
  State found = nodes_[state].first_child;
  while (found != 0 && nodes_[found].byte != byte) found = nodes_[found].sibling;
  return found;
}

void SecretAutomaton::add(std::span<const char> text) {
  State at = kStart;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    State below = child(at, byte);
    if (below == 0) {
      below = static_cast<State>(nodes_.size());
      Node node;
      node.sibling = nodes_[at].first_child;
      node.depth = nodes_[at].depth + 1;
      node.byte = byte;
      nodes_.push_back(node);
      nodes_[at].first_child = below;
      if (at == kStart) from_start_[byte] = below;
    }
    at = below;
  }
  nodes_[at].found = static_cast<std::uint32_t>(text.size());
  longest_ = std::max(longest_, text.size());
}

// Level by level: the fallback of a node lies on a level above.
void SecretAutomaton::link() {
  base::LockedVector<State> queue;
  queue.reserve(nodes_.size());
  for (State below = nodes_[kStart].first_child; below != 0; below = nodes_[below].sibling)
    queue.push_back(below);
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const State at = queue[i];
    nodes_[at].found = std::max(nodes_[at].found, nodes_[nodes_[at].fallback].found);
    for (State below = nodes_[at].first_child; below != 0; below = nodes_[below].sibling) {
      nodes_[below].fallback = next(nodes_[at].fallback, nodes_[below].byte);
      queue.push_back(below);
    }
  }
}

SecretAutomaton::State SecretAutomaton::next(State state, std::uint8_t byte) const {
  for (;;) {
    const State below = child(state, byte);
    if (below != 0 || state == kStart) return below;
    state = nodes_[state].fallback;
  }
}

}  // namespace stagebox::run
