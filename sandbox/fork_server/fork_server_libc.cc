// What the fork server needs of a C library, and nothing else: its start, a thin function for each
// system call, strings and memory. For x86-64; other machines link glibc. A program that is linked
// with static glibc has 0.7 MB of locales, conversions and string functions for every processor,
// which each command would copy into a memory file, and asks the processor what it can do, which
// takes 0.1 ms in a virtual machine. Whatever is missing here is an error of the linker: so nobody
// can bring in by accident what locks, or what reads the environment.
//
// One thread, and clones of it with a memory of their own: errno is a plain variable. The functions
// have the names and the meaning of libc's; its headers are not included, because some of them are
// declared there with attributes that a definition cannot have.
#include <asm/unistd.h>
#include <linux/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>

// The state of a C library is global; registers are named for the assembly that takes them; the
// kernel tells addresses as numbers.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
// NOLINTBEGIN(misc-const-correctness,misc-use-internal-linkage,performance-no-int-to-ptr)
namespace {

int last_error = 0;

long raw(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  long result = 0;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

long address(const void* pointer) {
  return static_cast<long>(reinterpret_cast<std::uintptr_t>(pointer));
}
void* pointer(long address) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address));
}

// -errno to libc's convention.
long checked(long result) {
  constexpr long kMostErrno = 4095;
  if (result >= 0 || result < -kMostErrno) return result;
  last_error = static_cast<int>(-result);
  return -1;
}
int checked_int(long result) { return static_cast<int>(checked(result)); }

// The kernel's idea of a set of signals is shorter than libc's, and its sigaction another.
constexpr long kSignalBytes = 8;
struct LibcAction {
  void (*handler)(int);
  std::uint64_t mask[16];
  int flags;
  void (*restorer)();
};
struct KernelAction {
  void (*handler)(int);
  std::uint64_t flags;
  void (*restorer)();
  std::uint64_t mask;
};

// What libc keeps for itself; never blocked, as with libc.
constexpr std::uint64_t kLibcSignals = (std::uint64_t{1} << 31) | (std::uint64_t{1} << 32);

}  // namespace

extern "C" {

int* __errno_location() { return &last_error; }
[[noreturn]] void _exit(int status) {
  for (;;) (void)raw(__NR_exit_group, status);
}
[[noreturn]] void abort() {
  constexpr int kSigAbort = 6;
  (void)raw(__NR_kill, raw(__NR_getpid), kSigAbort);
  _exit(127);
}
[[noreturn]] void __stack_chk_fail() { abort(); }

// Arguments beyond those that a call takes are in registers that the kernel does not look at.
long syscall(long number, long a, long b, long c, long d, long e, long f) {
  return checked(raw(number, a, b, c, d, e, f));
}

int open64(const char* path, int flags, unsigned mode) {
  constexpr long kHere = -100;  // AT_FDCWD
  return checked_int(raw(__NR_openat, kHere, address(path), flags, mode));
}
int openat64(int dir, const char* path, int flags, unsigned mode) {
  return checked_int(raw(__NR_openat, dir, address(path), flags, mode));
}
int close(int fd) { return checked_int(raw(__NR_close, fd)); }
long read(int fd, void* buffer, std::size_t size) {
  return checked(raw(__NR_read, fd, address(buffer), static_cast<long>(size)));
}
long write(int fd, const void* buffer, std::size_t size) {
  return checked(raw(__NR_write, fd, address(buffer), static_cast<long>(size)));
}
int dup2(int from, int to) { return checked_int(raw(__NR_dup2, from, to)); }
int fcntl64(int fd, int command, long argument) {
  return checked_int(raw(__NR_fcntl, fd, command, argument));
}
int ioctl(int fd, unsigned long request, long argument) {
  return checked_int(raw(__NR_ioctl, fd, static_cast<long>(request), argument));
}
int fstat64(int fd, void* status) { return checked_int(raw(__NR_fstat, fd, address(status))); }
int fchown(int fd, unsigned uid, unsigned gid) {
  return checked_int(raw(__NR_fchown, fd, uid, gid));
}
int chdir(const char* path) { return checked_int(raw(__NR_chdir, address(path))); }
int fchdir(int fd) { return checked_int(raw(__NR_fchdir, fd)); }
int mkdirat(int dir, const char* path, unsigned mode) {
  return checked_int(raw(__NR_mkdirat, dir, address(path), mode));
}
int symlinkat(const char* target, int dir, const char* path) {
  return checked_int(raw(__NR_symlinkat, address(target), dir, address(path)));
}
unsigned umask(unsigned mask) { return static_cast<unsigned>(raw(__NR_umask, mask)); }
int pipe2(int* fds, int flags) { return checked_int(raw(__NR_pipe2, address(fds), flags)); }
int poll(void* fds, unsigned long count, int timeout) {
  return checked_int(raw(__NR_poll, address(fds), static_cast<long>(count), timeout));
}

int mount(const char* source, const char* target, const char* type, unsigned long flags,
          const void* data) {
  return checked_int(raw(__NR_mount, address(source), address(target), address(type),
                         static_cast<long>(flags), address(data)));
}
int umount2(const char* target, int flags) {
  return checked_int(raw(__NR_umount2, address(target), flags));
}
int sethostname(const char* name, std::size_t size) {
  return checked_int(raw(__NR_sethostname, address(name), static_cast<long>(size)));
}
int setdomainname(const char* name, std::size_t size) {
  return checked_int(raw(__NR_setdomainname, address(name), static_cast<long>(size)));
}
int setns(int fd, int type) { return checked_int(raw(__NR_setns, fd, type)); }
int unshare(int flags) { return checked_int(raw(__NR_unshare, flags)); }

int socket(int domain, int type, int protocol) {
  return checked_int(raw(__NR_socket, domain, type, protocol));
}
int socketpair(int domain, int type, int protocol, int* fds) {
  return checked_int(raw(__NR_socketpair, domain, type, protocol, address(fds)));
}
int bind(int fd, const void* name, unsigned size) {
  return checked_int(raw(__NR_bind, fd, address(name), size));
}
int listen(int fd, int backlog) { return checked_int(raw(__NR_listen, fd, backlog)); }
long send(int fd, const void* buffer, std::size_t size, int flags) {
  return checked(raw(__NR_sendto, fd, address(buffer), static_cast<long>(size), flags));
}
long recv(int fd, void* buffer, std::size_t size, int flags) {
  return checked(raw(__NR_recvfrom, fd, address(buffer), static_cast<long>(size), flags));
}
long sendmsg(int fd, const void* message, int flags) {
  return checked(raw(__NR_sendmsg, fd, address(message), flags));
}
long recvmsg(int fd, void* message, int flags) {
  return checked(raw(__NR_recvmsg, fd, address(message), flags));
}

int execve(const char* path, const void* argv, const void* environment) {
  return checked_int(raw(__NR_execve, address(path), address(argv), address(environment)));
}
int kill(int pid, int signal) { return checked_int(raw(__NR_kill, pid, signal)); }
int wait4(int pid, int* status, int options, void* usage) {
  return checked_int(raw(__NR_wait4, pid, address(status), options, address(usage)));
}
int waitpid(int pid, int* status, int options) { return wait4(pid, status, options, nullptr); }
int getrusage(int who, void* usage) {
  return checked_int(raw(__NR_getrusage, who, address(usage)));
}
int prctl(int option, long a, long b, long c, long d) {
  return checked_int(raw(__NR_prctl, option, a, b, c, d));
}
int personality(unsigned long persona) {
  return checked_int(raw(__NR_personality, static_cast<long>(persona)));
}
int setsid() { return checked_int(raw(__NR_setsid)); }
int clock_gettime(int clock, void* time) {
  return checked_int(raw(__NR_clock_gettime, clock, address(time)));
}
void* mmap64(void* wanted, std::size_t size, int protection, int flags, int fd, long offset) {
  return pointer(checked(
      raw(__NR_mmap, address(wanted), static_cast<long>(size), protection, flags, fd, offset)));
}
int munmap(void* mapping, std::size_t size) {
  return checked_int(raw(__NR_munmap, address(mapping), static_cast<long>(size)));
}

int sigemptyset(std::uint64_t* set) {
  for (int i = 0; i < 16; ++i) set[i] = 0;
  return 0;
}
int sigfillset(std::uint64_t* set) {
  for (int i = 0; i < 16; ++i) set[i] = ~std::uint64_t{0};
  set[0] &= ~kLibcSignals;
  return 0;
}
int sigprocmask(int how, const std::uint64_t* set, std::uint64_t* before) {
  return checked_int(raw(__NR_rt_sigprocmask, how, address(set), address(before), kSignalBytes));
}
/// What was set before is not told.
int sigaction(int signal, const LibcAction* wanted, LibcAction* before) {
  if (before != nullptr || wanted == nullptr) abort();
  const KernelAction action{wanted->handler, static_cast<std::uint64_t>(wanted->flags),
                            wanted->restorer, wanted->mask[0]};
  return checked_int(raw(__NR_rt_sigaction, signal, address(&action), 0, kSignalBytes));
}
/// For SIG_IGN and SIG_DFL; returns null where libc's tells what was set before.
void (*signal(int number, void (*handler)(int)))(int) {
  const KernelAction action{handler, 0, nullptr, 0};
  (void)checked(raw(__NR_rt_sigaction, number, address(&action), 0, kSignalBytes));
  return nullptr;
}
int sigwait(const std::uint64_t* set, int* signal) {
  constexpr long kInterrupted = -4;
  long result = kInterrupted;
  while (result == kInterrupted)
    result = raw(__NR_rt_sigtimedwait, address(set), 0, 0, kSignalBytes);
  if (result < 0) return static_cast<int>(-result);
  *signal = static_cast<int>(result);
  return 0;
}

void* memcpy(void* to, const void* from, std::size_t size) {
  void* const result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return result;
}
void* memmove(void* to, const void* from, std::size_t size) {
  auto* const target = static_cast<char*>(to);
  const auto* const source = static_cast<const char*>(from);
  if (target <= source || target >= source + size) return memcpy(to, from, size);
  for (std::size_t i = size; i-- > 0;) target[i] = source[i];
  return to;
}
void* memset(void* to, int value, std::size_t size) {
  void* const result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return result;
}
int memcmp(const void* one, const void* other, std::size_t size) {
  const auto* const a = static_cast<const unsigned char*>(one);
  const auto* const b = static_cast<const unsigned char*>(other);
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return a[i] - b[i];
  }
  return 0;
}
std::size_t strlen(const char* text) {
  std::size_t size = 0;
  while (text[size] != '\0') ++size;
  return size;
}
int strncmp(const char* one, const char* other, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const auto a = static_cast<unsigned char>(one[i]);
    const auto b = static_cast<unsigned char>(other[i]);
    if (a != b || a == 0) return a - b;
  }
  return 0;
}
char* strchrnul(char* text, int wanted) {
  while (*text != '\0' && *text != static_cast<char>(wanted)) ++text;
  return text;
}
char* strchr(char* text, int wanted) {
  char* const found = strchrnul(text, wanted);
  return *found == static_cast<char>(wanted) ? found : nullptr;
}
char* strrchr(char* text, int wanted) {
  char* found = nullptr;
  for (;; ++text) {
    if (*text == static_cast<char>(wanted)) found = text;
    if (*text == '\0') return found;
  }
}
/// No texts here: numbers are told, and Stagebox knows what they mean.
const char* strerrordesc_np(int /*errno_value*/) { return nullptr; }

}  // extern "C"

// Memory: lists of free pieces of each power of two, cut from mappings that are never given back.
// What the server holds at a time are some vectors for each sandbox that runs.
namespace {

constexpr int kSmallestShift = 5;  // 32 bytes
constexpr int kLargestShift = 17;  // What is larger is a mapping of its own.
constexpr std::size_t kArena = std::size_t{256} << 10;

struct Piece {
  Piece* next;
};
Piece* free_pieces[kLargestShift + 1];
char* arena = nullptr;
std::size_t arena_left = 0;

int shift_for(std::size_t size) {
  int shift = kSmallestShift;
  while (shift <= kLargestShift && (std::size_t{1} << shift) < size) ++shift;
  return shift;
}

void* map(std::size_t size) {
  void* const mapping =
      mmap64(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address(mapping) == -1) abort();
  return mapping;
}

}  // namespace

void* operator new(std::size_t size) {
  const int shift = shift_for(size);
  if (shift > kLargestShift) return map(size);
  if (Piece* const piece = free_pieces[shift]) {
    free_pieces[shift] = piece->next;
    return piece;
  }
  const std::size_t bytes = std::size_t{1} << shift;
  if (arena_left < bytes) {
    arena = static_cast<char*>(map(kArena));
    arena_left = kArena;
  }
  void* const memory = arena;
  arena += bytes;
  arena_left -= bytes;
  return memory;
}

void operator delete(void* memory, std::size_t size) noexcept {
  if (memory == nullptr) return;
  const int shift = shift_for(size);
  if (shift > kLargestShift) {
    (void)munmap(memory, size);
    return;
  }
  auto* const piece = static_cast<Piece*>(memory);
  piece->next = free_pieces[shift];
  free_pieces[shift] = piece;
}

// What libstdc++'s containers call where they would throw.
namespace std {
[[noreturn]] void __throw_bad_alloc() { abort(); }
[[noreturn]] void __throw_bad_array_new_length() { abort(); }
[[noreturn]] void __throw_length_error(const char* /*what*/) { abort(); }
[[noreturn]] void __throw_logic_error(const char* /*what*/) { abort(); }
}  // namespace std

// The start. On the stack are argc, argv, a null, the environment, a null, and pairs of a kind and
// a value until kind 0 (System V ABI, AMD64, 3.4.1).
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call stagebox_fork_server_start\n"
    "  hlt\n");

// C++ allows nobody to call main by its name.
int program() __asm__("main");

namespace {

// The thread's block, as far as compilers know it: its own address, and the guard of the stack.
struct ThreadBlock {
  void* self;
  void* dtv;
  void* self_again;
  std::uint64_t unused[2];
  std::uint64_t stack_guard;
};
static_assert(offsetof(ThreadBlock, stack_guard) == 0x28);
ThreadBlock thread_block;

}  // namespace

extern "C" [[noreturn]] void stagebox_fork_server_start(const long* stack) {
  constexpr long kRandom = 25;     // AT_RANDOM: the address of 16 random bytes
  constexpr long kSetFs = 0x1002;  // ARCH_SET_FS
  const long* next = stack + 1 + stack[0] + 1;
  while (*next != 0) ++next;
  for (++next; *next != 0; next += 2) {
    if (*next == kRandom)
      memcpy(&thread_block.stack_guard, pointer(next[1]), sizeof(std::uint64_t));
  }
  if (thread_block.stack_guard == 0) abort();
  // A byte 0 stops whatever copies a string over it or out of it.
  thread_block.stack_guard &= ~std::uint64_t{0xff};
  thread_block.self = thread_block.self_again = &thread_block;
  if (raw(__NR_arch_prctl, kSetFs, address(&thread_block)) != 0) abort();
  _exit(program());
}
// NOLINTEND(misc-const-correctness,misc-use-internal-linkage,performance-no-int-to-ptr)
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)
