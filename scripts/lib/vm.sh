# A throw-away virtual machine with a Debian kernel, QEMU's software emulation and only cgroup v2. To be sourced by bash
# after common.sh. Its root is this machine's, exported read-only by virtiofs, under what it writes itself.
# shellcheck shell=bash

VIRTIOFSD=/usr/lib/qemu/virtiofsd
VM_MODULES=(virtio_pci virtio_console virtiofs overlay virtio_blk ext4)
VM_MEMORY_MIB=2560
VM_DISK_MIB=4096
# For the kernel, besides those that every machine has.
VM_BOOT_OPTIONS=

vm_cache() { printf '%s\n' "$REPO_ROOT/build/vm/$1"; }

# Why no machine can be started here; nothing when one can.
vm_obstacle() {
  local program
  [ "$(id -u)" -eq 0 ] || { echo "exporting the file system to a virtual machine needs root"; return; }
  [ "$(uname -m)" = x86_64 ] || { echo "only x86_64 is supported, and this is $(uname -m)"; return; }
  for program in qemu-system-x86_64 "$VIRTIOFSD" busybox cpio depmod modprobe xz mke2fs; do
    command -v "$program" >/dev/null || { echo "there is no $program (scripts/setup vm)"; return; }
  done
}

# The package with the newest kernel of a series ("6.12", "6.1") in this machine's repositories; nothing without one.
vm_kernel_package() {
  local meta
  for meta in "linux-image-$1-cloud-amd64" linux-image-cloud-amd64; do
    apt-cache depends "$meta" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-'"${1//./\\.}"'[.+].*\)$/\1/p' | head -n 1 | grep . &&
      return
  done
  return 0
}

# vm_prepare SERIES: unpacks the kernel and makes the initial RAM disk, once. Fails when the package cannot be had.
vm_prepare() {
  local cache package release
  cache=$(vm_cache "$1")
  [ ! -e "$cache/ready" ] || return 0
  package=$(vm_kernel_package "$1")
  [ -n "$package" ] || { echo "no package with a kernel $1 in this machine's repositories"; return 1; }
  rm -rf "$cache"
  mkdir -p "$cache/download" "$cache/initrd"
  (cd "$cache/download" && apt-get -qq -o APT::Sandbox::User=root download "$package") >"$cache/download.log" 2>&1 ||
    { echo "downloading $package failed: $(tail -n 1 "$cache/download.log")"; return 1; }
  dpkg-deb -x "$cache"/download/*.deb "$cache/kernel" || { echo "unpacking $package failed"; return 1; }
  rm -rf "$cache/download"
  release=$(basename "$cache"/kernel/lib/modules/*)
  depmod -b "$cache/kernel" "$release" || { echo "listing the modules of $package failed"; return 1; }
  vm_initrd "$cache" "$release" || { echo "making the RAM disk failed"; return 1; }
  : >"$cache/ready"
}

vm_initrd() {
  local cache=$1 release=$2 dir=$1/initrd applet module file name count=100
  mkdir -p "$dir"/{bin,proc,sys,dev,host,writes,new,modules}
  cp "$(command -v busybox)" "$dir/bin/busybox"
  for applet in sh mount insmod mkdir cat chroot chmod cut poweroff ln cp ip hostname; do ln -s busybox "$dir/bin/$applet"; done
  for module in "${VM_MODULES[@]}"; do
    while read -r file; do
      name=$(basename "${file%.xz}")
      # In the order in which they need each other; what an earlier one brought is there already.
      compgen -G "$dir/modules/*-$name" >/dev/null && continue
      case $file in *.xz) xz -dc "$file" ;; *) cat "$file" ;; esac >"$dir/modules/$count-$name"
      count=$((count + 1))
    done < <(modprobe -d "$cache/kernel" -S "$release" --show-depends "$module" 2>/dev/null | awk '/^insmod/ { print $2 }')
  done
  printf 'kernel_release=%q\nmodules_dir=%q\n' "$release" "$cache/kernel/lib/modules/$release" >"$dir/settings"
  (cd "$dir" && find . | cpio --quiet -o -H newc) >"$cache/initrd.img"
}

# vm_run SERIES SECONDS COMMANDFILE DIR: boots, runs the bash script COMMANDFILE as root and prints its output. What it
# writes to /dev/vm/result is in DIR/result afterwards. Returns the script's status; 124 when the time ran out; 125 when
# the machine failed.
vm_run() {
  local series=$1 limit=$2 command=$3 dir=$4 try status
  # A guest kernel under emulation dies at boot once in a while; what dies later is a finding.
  for try in 1 2; do
    status=0
    vm_boot "$series" "$limit" "$command" "$dir" || status=$?
    grep -qs '^booted' "$dir/status" && break
    [ "$status" -ne 124 ] || break
    [ "$try" -eq 2 ] || say "the virtual machine died at boot; trying once more"
  done
  if [ "$status" -eq 124 ]; then
    say "the virtual machine was stopped after $limit s"
    return 124
  fi
  status=$(sed -n 's/^exit //p' "$dir/status")
  [ -z "$status" ] || return "$status"
  say "the virtual machine ended without a status; its console says:"
  tail -n 30 "$dir/console" "$dir/qemu.log" "$dir/virtiofsd.log"
  return 125
}

vm_boot() {
  local cache series=$1 limit=$2 command=$3 dir=$4 daemon status=0
  cache=$(vm_cache "$series")
  mkdir -p "$dir/overlay"
  cp "$command" "$dir/overlay/command"
  install -m 755 "$REPO_ROOT/scripts/lib/vm-init" "$dir/overlay/init"
  (cd "$dir/overlay" && printf 'init\ncommand\n' | cpio --quiet -o -H newc) | cat "$cache/initrd.img" - >"$dir/initrd.img"
  rm -f "$dir/disk" "$dir/socket" "$dir/output"
  truncate -s "${VM_DISK_MIB}M" "$dir/disk"
  mke2fs -q -F -t ext4 "$dir/disk"
  : >"$dir/status"
  : >"$dir/output"
  vm_export "$dir" &
  daemon=$!
  for _ in {1..250}; do [ ! -S "$dir/socket" ] || break; sleep 0.02; done
  tail --pid=$$ -n +1 -s 0.2 -f "$dir/output" &
  local reader=$!
  # One thread for both processors: with two, code that the guest patches on one crashes the other once in a while.
  timeout --kill-after=5 "$limit" qemu-system-x86_64 -M pc -accel tcg,thread=single -cpu max -smp 2 \
    -m "$VM_MEMORY_MIB" -nodefaults -no-user-config -display none -no-reboot \
    -object "memory-backend-memfd,id=mem,size=${VM_MEMORY_MIB}M,share=on" -numa node,memdev=mem \
    -chardev "socket,id=fs,path=$dir/socket" -device vhost-user-fs-pci,chardev=fs,tag=host,queue-size=1024 \
    -drive "if=none,id=disk,format=raw,cache=unsafe,file=$dir/disk" -device virtio-blk-pci,drive=disk \
    -serial "file:$dir/console" -device virtio-serial-pci \
    -chardev "file,id=output,path=$dir/output" -device virtserialport,chardev=output,name=output \
    -chardev "file,id=status,path=$dir/status" -device virtserialport,chardev=status,name=status \
    -chardev "file,id=result,path=$dir/result" -device virtserialport,chardev=result,name=result \
    -kernel "$(echo "$cache"/kernel/boot/vmlinuz-*)" -initrd "$dir/initrd.img" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check psi=1 $VM_BOOT_OPTIONS" </dev/null >"$dir/qemu.log" 2>&1 || status=$?
  # The daemon ends with its only client.
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  sleep 0.3
  kill "$reader" 2>/dev/null || true
  wait "$reader" 2>/dev/null || true
  return "$status"
}

# The host's files, read-only: nothing that happens in the machine can change them.
vm_export() {
  local dir=$1
  mkdir -p "$dir/root"
  # shellcheck disable=SC2016  # for the shell inside
  exec unshare --mount --propagation private bash -euc '
    mount --bind / "$1/root"
    mount -o remount,bind,ro "$1/root"
    if [ "$(stat -c %d /)" != "$(stat -c %d "$3")" ]; then
      mount --bind "$3" "$1/root$3"
      mount -o remount,bind,ro "$1/root$3"
    fi
    exec "$2" --socket-path="$1/socket" -o "source=$1/root" -o cache=always -o sandbox=chroot -o xattr \
      --rlimit-nofile=0 --thread-pool-size=2 -f' vm-export "$dir" "$VIRTIOFSD" "$REPO_ROOT" >"$dir/virtiofsd.log" 2>&1
}
