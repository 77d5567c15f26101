#include "runtime/run/secrets/secret_automaton.h"

#include <algorithm>

namespace stagebox::run {
namespace {

constexpr std::size_t kBytes = 256;
constexpr std::uint32_t kDepthMask = (1U << 20U) - 1;

std::size_t common_length(SecretPatterns::Text a, SecretPatterns::Text b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

SecretAutomaton::SecretAutomaton(const SecretPatterns& patterns)
    : from_start_(kBytes, kStart), sieve_(patterns), shortest_(patterns.shortest()) {
  const std::vector<SecretPatterns::Text> texts = patterns.sorted();
  std::size_t count = 1;
  SecretPatterns::Text before;
  for (const SecretPatterns::Text text : texts) {
    count += text.size() - common_length(before, text);
    before = text;
  }
  nodes_.reserve(count);
  nodes_.emplace_back();
  std::vector<State> path{kStart};
  for (const SecretPatterns::Text text : texts) add(text, path);
  link();
}

SecretAutomaton::State SecretAutomaton::child(State state, std::uint8_t byte) const {
  if (state == kStart) return from_start_[byte];
  State found = first_child(state);
  while (found != 0 && nodes_[found].byte != byte) found = nodes_[found].sibling;
  return found;
}

// `path` are the nodes of the text before, which is none after this one: they part at the first
// byte that differs.
void SecretAutomaton::add(SecretPatterns::Text text, std::vector<State>& path) {
  std::size_t depth = 0;
  while (depth + 1 < path.size() &&
         nodes_[path[depth + 1]].byte == static_cast<std::uint8_t>(text[depth]))
    ++depth;
  if (depth + 1 < path.size()) nodes_[path[depth + 1]].sibling = static_cast<State>(nodes_.size());
  path.resize(depth + 1);
  for (; depth < text.size(); ++depth) {
    const auto added = static_cast<State>(nodes_.size());
    Node& node = nodes_.emplace_back();
    node.byte = static_cast<std::uint8_t>(text[depth]);
    node.depth = static_cast<std::uint32_t>(depth + 1) & kDepthMask;
    nodes_[path.back()].has_child = 1;
    if (depth == 0) from_start_[node.byte] = added;
    path.push_back(added);
  }
  nodes_[path.back()].ends = 1;
  longest_ = std::max(longest_, text.size());
}

std::size_t SecretAutomaton::negligible() const {
  constexpr std::size_t kShort = 12;
  return shortest_ < kShort ? 1 : 2;
}

// Level by level: the fallback of a node lies on a level above.
void SecretAutomaton::link() {
  std::vector<State> queue;
  queue.reserve(nodes_.size());
  for (State below = first_child(kStart); below != 0; below = nodes_[below].sibling)
    queue.push_back(below);
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const State at = queue[i];
    nodes_[at].finds = nodes_[at].ends | nodes_[nodes_[at].fallback].finds;
    for (State below = first_child(at); below != 0; below = nodes_[below].sibling) {
      nodes_[below].fallback =
          next(nodes_[at].fallback, static_cast<std::uint8_t>(nodes_[below].byte));
      queue.push_back(below);
    }
  }
}

std::size_t SecretAutomaton::found(State state) const {
  if (nodes_[state].finds == 0) return 0;
  while (nodes_[state].ends == 0) state = nodes_[state].fallback;
  return nodes_[state].depth;
}

std::size_t SecretAutomaton::pending(State state) const {
  while (state != kStart && nodes_[state].has_child == 0) state = nodes_[state].fallback;
  return nodes_[state].depth;
}

SecretAutomaton::State SecretAutomaton::next(State state, std::uint8_t byte) const {
  for (;;) {
    const State below = child(state, byte);
    if (below != 0 || state == kStart) return below;
    state = nodes_[state].fallback;
  }
}

}  // namespace stagebox::run
