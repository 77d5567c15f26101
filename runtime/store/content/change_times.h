// Whether the times of files tell that they were changed, which all that is remembered of files
// rests on.
#pragma once

namespace stagebox::store {

/// False for the file system of the open file `fd` if that is an image that is only read (EROFS,
/// SquashFS, ISO 9660, cramfs, romfs): its inodes have the numbers and the times that whoever made
/// it chose, and another image in its place may have the same. False as well where the change time
/// is made of other times, or up to who serves the files (FAT, exFAT, NTFS, HFS, FUSE, 9P, SMB,
/// AFS): what is there has to be read each time. What cannot be told is true.
bool has_change_times(int fd);

}  // namespace stagebox::store
