# SPDX-License-Identifier: Apache-2.0
"""What yubikit's Python takes for the work that bench/card.ts measures. Prints JSON."""
import json
import sys
import time

START = time.perf_counter()


def wrap_rate(count):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from yubikit.core.smartcard.scp import ScpState, SessionKeys, _calculate_mac, _init_cipher

    keys = SessionKeys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
    command, answer = bytes(200), bytes(range(16))
    # A card's answers, made before: the command's chaining value and counter decide each.
    shadow, answers = ScpState(keys), []
    for number in range(1, count + 1):
        body = shadow.encrypt(command)
        shadow.mac(bytes.fromhex("84E80000") + bytes([len(body) + 8]) + body)
        block = bytes([0x80]) + number.to_bytes(15, "big")
        icv = Cipher(algorithms.AES(keys.key_senc), modes.ECB()).encryptor().update(block)
        cipher = Cipher(algorithms.AES(keys.key_senc), modes.CBC(icv)).encryptor()
        ciphered = cipher.update(answer + b"\x80" + bytes(15))
        rmac = _calculate_mac(keys.key_srmac, shadow._mac_chain, ciphered + b"\x90\x00")[1]
        answers.append(ciphered + rmac)
    state = ScpState(keys)
    start = time.perf_counter()
    for sealed in answers:
        body = state.encrypt(command)
        state.mac(bytes.fromhex("84E80000") + bytes([len(body) + 8]) + body)
        if state.decrypt(state.unmac(sealed, 0x9000)) != answer:
            raise ValueError("yubikit does not unwrap its own answers")
    return count / (time.perf_counter() - start)


def card_list(reader):
    from smartcard.System import readers
    from ykman.pcsc import ScardSmartCardConnection
    from yubikit.core.smartcard import ApduError
    from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams
    from yubikit.securitydomain import SecurityDomainSession

    found = next(item for item in readers() if reader in str(item))
    connection = ScardSmartCardConnection(found.createConnection())
    session = SecurityDomainSession(connection)
    session.authenticate(Scp03KeyParams(KeyRef(1, 0x30)))
    for subset in (0x80, 0x40, 0x10):
        try:
            session.protocol.send_apdu(0x80, 0xF2, subset, 0x02, bytes.fromhex("4F00"))
        except ApduError as error:
            if error.sw not in (0x6310, 0x6A88):
                raise
    connection.close()
    return time.perf_counter() - START


if __name__ == "__main__":
    work, argument = sys.argv[1:]
    print(json.dumps(wrap_rate(int(argument)) if work == "wrap" else card_list(argument)))
