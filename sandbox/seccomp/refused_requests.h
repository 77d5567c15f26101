// Requests that no filter of ours lets through, whatever its rules say: what fcntl(2), ioctl(2) and
// prlimit(2) are asked for is in one int, and some of that reaches beyond the sandbox.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace stagebox::sandbox {

/// In front of a compiled filter, which stays as it is for everything else: EPERM for
/// - F_SETLEASE: a lease on a file that several read makes whoever opens it, on the host and in
///   other sandboxes, wait for up to fs.lease-break-time (45 s), and who made the sandbox's ids the
///   files' owners made it possible (fcntl(2), "Leases");
/// - F_NOTIFY: what others do in a directory, by signal;
/// - TIOCSTI, TIOCLINUX: typing for whoever reads this terminal next;
/// - TIOCSETD: line disciplines are modules that this has the kernel load, and that of a terminal
///   which was passed in stays as it was left;
/// - bridges and VLANs by SIOCGIFBR and its like: modules, too, and for anybody;
/// - limits of pid 1, which is ours and has the ids of the sandbox's root: one that has used up its
///   processor time dies, which looks as if somebody outside had killed it.
/// Only the low half of a request counts for the kernel, so it does here. Native calls only: others
/// are killed by what follows.
void put_refused_requests_first(std::vector<sock_filter>& instructions);

}  // namespace stagebox::sandbox
