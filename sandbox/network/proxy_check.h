// Proxy check: finds out, by asking one, whether sandboxes can have a network allow-list here.
#pragma once

#include "sandbox/network/proxy_server.h"
#include "sandbox/self_check.h"

namespace stagebox::sandbox::network {

/// For `doctor`: has `server` make a proxy with an empty allow-list, which must refuse a
/// connection.
Check check_allow_list(ProxyServer& server);

}  // namespace stagebox::sandbox::network
