#!/usr/bin/env python3
"""Mounts a file system that never answers at PATH of a node: a FUSE mount whose daemon, this process, reads no request.

Stands in for an NFS mount whose server is gone, which takes a server to make. Ends with a signal; the mount then answers
that its daemon is gone, until it is unmounted. Usage: hang.py NODE-PID PATH
"""

import ctypes
import os
import signal
import sys


def main():
    pid, path = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    fuse = os.open("/dev/fuse", os.O_RDWR)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.setns(namespace, 0) or libc.mount(b"gone:/srv/media", path.encode(), b"fuse.gone", 0, options):
        sys.exit(f"mounting at {path}: {os.strerror(ctypes.get_errno())}")
    print("mounted", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
