# SPDX-License-Identifier: Apache-2.0
"""Secured packets as TS 102 225 has them, straight from the page: how many are wrapped and unwrapped in a second of CPU."""

import sys
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

KIC = bytes(range(16))
KID = bytes(range(16, 32))
HEAD = bytes.fromhex("16191212B20100")


def cmac(data):
    made = CMAC(algorithms.AES(KID))
    made.update(data)
    return made.finalize()[:8]


def wrap(counter, data):
    padding = -(6 + 8 + len(data)) % 16
    body = data + bytes(padding)
    fields = counter.to_bytes(5, "big") + bytes([padding])
    head = (1 + 21 + len(body)).to_bytes(2, "big") + bytes([21]) + HEAD
    cipher = Cipher(algorithms.AES(KIC), modes.CBC(bytes(16))).encryptor()
    return head + cipher.update(fields + cmac(head + fields + body) + body)


def unwrap(packet):
    cipher = Cipher(algorithms.AES(KIC), modes.CBC(bytes(16))).decryptor()
    plain = cipher.update(packet[10:])
    fields, checksum, body = plain[:6], plain[6:14], plain[14:]
    assert cmac(packet[:10] + fields + body) == checksum
    return body[: len(body) - fields[5]]


seconds, data = float(sys.argv[1]), bytes(100)
count, start, cpu = 0, time.perf_counter(), time.process_time()
while time.perf_counter() - start < seconds:
    for _ in range(100):
        assert unwrap(wrap(count, data)) == data
        count += 1
print(count / (time.process_time() - cpu))
