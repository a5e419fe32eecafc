# SPDX-License-Identifier: Apache-2.0
"""Another program that keeps a card to itself: connects shared, begins a transaction, holds it until its input ends."""
import ctypes
import sys

SCOPE_SYSTEM, SHARE_SHARED, ANY_PROTOCOL, LEAVE_CARD = 2, 2, 3, 0

pcsc = ctypes.CDLL("libpcsclite.so.1")
context, card, protocol = ctypes.c_long(), ctypes.c_long(), ctypes.c_ulong()


def check(result):
    if result != 0:
        sys.exit(f"PC/SC: {result & 0xFFFFFFFF:08X}")


check(pcsc.SCardEstablishContext(SCOPE_SYSTEM, None, None, ctypes.byref(context)))
reader = sys.argv[1].encode()
check(pcsc.SCardConnect(context, reader, SHARE_SHARED, ANY_PROTOCOL, ctypes.byref(card), ctypes.byref(protocol)))
check(pcsc.SCardBeginTransaction(card))
print("held", flush=True)
sys.stdin.read()
check(pcsc.SCardEndTransaction(card, LEAVE_CARD))
check(pcsc.SCardDisconnect(card, LEAVE_CARD))
