// SeccompContext: a filter of libseccomp's while it is put together, with its owner.
#pragma once

#include <seccomp.h>

#include <memory>

namespace stagebox::sandbox {

struct SeccompContextRelease {
  void operator()(void* context) const { ::seccomp_release(context); }
};
using SeccompContext = std::unique_ptr<void, SeccompContextRelease>;

}  // namespace stagebox::sandbox
