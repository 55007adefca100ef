#!/usr/bin/env python3
"""Becomes another program, which then hears of no change of the machine's networks.

Chromium gives up every request that it is just connecting for when any network of the machine comes or goes, and engines and machines of
the tests make and remove networks all the time: pages without script or style. So the kernel refuses it the sockets that tell of them.

usage: CALM_PROGRAM=PATH calm.py [ARGUMENT...]
"""

import ctypes
import os
import platform
import struct
import sys

# By processor: its name in <linux/audit.h> as a number, and the number of socket(2).
MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
AF_NETLINK, NETLINK_ROUTE = 16, 0
EACCES = 13
# <linux/bpf_common.h>: load a word, jump where equal, return. <linux/seccomp.h>: where a call's parts are, and what may become of it.
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 32
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | EACCES
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def refuse_sockets(architecture, socket):
    """Has socket(AF_NETLINK, any, NETLINK_ROUTE) fail from here on."""
    checks = [(ARCHITECTURE, architecture), (NUMBER, socket), (FIRST_ARGUMENT, AF_NETLINK), (THIRD_ARGUMENT, NETLINK_ROUTE)]
    code = []
    for done, (where, wanted) in enumerate(checks):
        past_the_rest = 2 * (len(checks) - done - 1) + 1
        code += [(LOAD, 0, 0, where), (EQUAL, 0, past_the_rest, wanted)]
    code += [(RETURN, 0, 0, FAIL), (RETURN, 0, 0, ALLOW)]
    libc = ctypes.CDLL(None, use_errno=True)
    packed = b"".join(struct.pack("=HBBI", *each) for each in code)
    program = Program(len(code), packed)
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if platform.machine() in MACHINES:
    refuse_sockets(*MACHINES[platform.machine()])
path = os.environ["CALM_PROGRAM"]
os.execv(path, [path, *sys.argv[1:]])
