#include "runtime/base/locked_memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/syscalls.h"

namespace stagebox::base {
namespace {

std::size_t whole_pages(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

void* allocate_locked(std::size_t bytes) {
  const std::size_t size = whole_pages(bytes == 0 ? 1 : bytes);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  // The call itself: the function does nothing where AddressSanitizer is.
  const bool kept = sys::call(SYS_mlock, memory, size) == 0 &&
                    ::madvise(memory, size, MADV_DONTDUMP) == 0 &&
                    ::madvise(memory, size, MADV_DONTFORK) == 0;
  if (kept) return memory;
  ::munmap(memory, size);
  return nullptr;
}

void free_locked(void* memory, std::size_t bytes) {
  if (memory == nullptr) return;
  const std::size_t size = whole_pages(bytes == 0 ? 1 : bytes);
  ::explicit_bzero(memory, size);
  ::munmap(memory, size);
}

bool can_lock(std::size_t bytes) {
  void* memory = allocate_locked(bytes);
  free_locked(memory, bytes);
  return memory != nullptr;
}

}  // namespace stagebox::base
