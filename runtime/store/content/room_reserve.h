// RoomReserve: some of the disk that the state directory holds back, so that gc, which needs a
// little to free much (SQLite's log, above all), works on a full disk. A file of zeros, `reserve`.
// It is a help only: where there is none, or no room for one, everything else works the same.
#pragma once

namespace stagebox::store {

/// Where it is made.
enum class Room {
  kPlenty,  ///< Only where there is several times as much room as it takes.
  kAny,     ///< Wherever it fits, a smaller one if need be: by whoever has just released it.
};
/// Makes it, unless it is there. Safe beside other processes that do the same.
void make_reserve(int home_fd, Room room);
/// Gives its room back to the disk.
void release_reserve(int home_fd);

}  // namespace stagebox::store
