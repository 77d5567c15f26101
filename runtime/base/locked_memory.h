// LockedAllocator: memory for what must not leave this process: it is never swapped out, not in
// core files, not copied to processes that are forked, and zeroed before it is given back. Each
// piece is some pages of its own, so it is for few and large ones.
#pragma once

#include <cstddef>
#include <new>
#include <string_view>
#include <vector>

namespace stagebox::base {

/// nullptr where the kernel does not lock it (RLIMIT_MEMLOCK).
void* allocate_locked(std::size_t bytes);
void free_locked(void* memory, std::size_t bytes);

/// Throws std::bad_alloc where memory cannot be locked, as a container's allocator must; ask
/// can_lock() first.
template <typename T>
struct LockedAllocator {
  using value_type = T;
  LockedAllocator() = default;
  template <typename U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert.
  LockedAllocator(const LockedAllocator<U>& /*other*/) {}
  T* allocate(std::size_t count) {
    void* memory = allocate_locked(count * sizeof(T));
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) { free_locked(memory, count * sizeof(T)); }
  bool operator==(const LockedAllocator& /*other*/) const { return true; }
};

template <typename T>
using LockedVector = std::vector<T, LockedAllocator<T>>;
using LockedBytes = LockedVector<char>;

inline std::string_view text_of(const LockedBytes& bytes) { return {bytes.data(), bytes.size()}; }

/// Whether so many bytes more can be locked now.
bool can_lock(std::size_t bytes);

}  // namespace stagebox::base
