#include "sandbox/network/nat_interface.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/network/namespace_helper.h"

namespace stagebox::sandbox::network {
namespace {

// struct tun_filter with one address.
struct OneAddressFilter {
  std::uint16_t flags;
  std::uint16_t count;
  std::array<std::uint8_t, 6> address;
};
static_assert(sizeof(OneAddressFilter) == sizeof(struct tun_filter) + 6);

// Async-signal-safe. 0 or an errno.
int make_from_inside(const char* name) {
  const int device = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (device < 0) return errno;
  struct ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(device, TUNSETIFF, &request) != 0) return errno;
  OneAddressFilter filter{0, 1, kNatHardwareAddress};
  if (::ioctl(device, TUNSETTXFILTER, &filter) < 0) return errno;
  return ::ioctl(device, TUNSETPERSIST, 1) == 0 ? 0 : errno;
}

}  // namespace

base::Result<void> make_nat_interface(const HandedOutNamespaces& namespaces, const char* name) {
  return in_namespaces(namespaces, "make the interface of a network with address translation",
                       [name] { return make_from_inside(name); });
}

}  // namespace stagebox::sandbox::network
