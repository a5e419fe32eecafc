# SPDX-License-Identifier: Apache-2.0
"""Security domain verbs of yubikit (yubikey-manager): SCP03 at level 33, CLA 00 for data objects."""
import sys

from cryptography.hazmat.primitives.asymmetric import ec
from smartcard.System import readers
from verbs import report
from ykman.pcsc import ScardSmartCardConnection
from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, ScpKid, StaticKeys
from yubikit.securitydomain import SecurityDomainSession

FIRST = StaticKeys(bytes(range(0x10, 0x20)), bytes(range(0x20, 0x30)), bytes(range(0x30, 0x40)))
SECOND = StaticKeys(bytes(range(0x50, 0x60)), bytes(range(0x60, 0x70)), bytes(range(0x70, 0x80)))


def connect(name):
    reader = next(reader for reader in readers() if name in str(reader))
    return ScardSmartCardConnection(reader.createConnection())


def session(connection, kvn=None, keys=None):
    domain = SecurityDomainSession(connection)
    if kvn is not None:
        domain.authenticate(Scp03KeyParams(KeyRef(ScpKid.SCP03, kvn), keys or StaticKeys.default()))
    return domain


def opened(connection, kvn, keys=None):
    session(connection, kvn, keys)
    return "open"


def key_information(domain):
    return {ref.hex().upper(): {f"{kind:02X}": size for kind, size in parts.items()}
            for ref, parts in domain.get_key_information().items()}


def main(name):
    card = connect(name)
    clear = session(card)
    report("get_key_information in clear", lambda: key_information(clear))
    report("get_card_recognition_data", clear.get_card_recognition_data)
    report("get_supported_ca_identifiers", clear.get_supported_ca_identifiers)
    report("get_certificate_bundle", lambda: clear.get_certificate_bundle(KeyRef(ScpKid.SCP11b, 1)))
    report("get_data 42", lambda: clear.get_data(0x42))
    report("authenticate with other keys", lambda: opened(card, 0x30, FIRST))
    report("authenticate with an absent version", lambda: opened(card, 0x55))
    report("authenticate", lambda: opened(card, 0x30))
    report("authenticate with the first version", lambda: opened(card, 0x00))
    owner = session(card, 0x30)
    report("get_key_information", lambda: key_information(owner))
    report("store_data", lambda: owner.store_data(bytes.fromhex("4508AABBCCDD00000110")))
    report("get_data 45", lambda: owner.get_data(0x45))
    report("put_key", lambda: owner.put_key(KeyRef(ScpKid.SCP03, 0x31), FIRST))
    report("authenticate with new keys", lambda: opened(card, 0x31, FIRST))
    report("put_key replacing", lambda: session(card, 0x31, FIRST).put_key(KeyRef(ScpKid.SCP03, 0x31), SECOND, 0x31))
    report("authenticate with replaced keys", lambda: opened(card, 0x31, FIRST))
    report("authenticate with replacing keys", lambda: opened(card, 0x31, SECOND))
    owner = session(card, 0x30)
    report("delete_key", lambda: owner.delete_key(kvn=0x31))
    report("delete_key that is not there", lambda: owner.delete_key(kvn=0x31))
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    report("put_key of a point", lambda: owner.put_key(KeyRef(0x10, 0x03), point))
    report("put_key of a scalar", lambda: owner.put_key(KeyRef(0x13, 0x04), ec.generate_private_key(ec.SECP256R1())))
    report("delete_key of a point", lambda: owner.delete_key(kid=0x10, kvn=0x03))
    report("delete_key of a scalar", lambda: owner.delete_key(kid=0x13, kvn=0x04))
    report("get_key_information at the end", lambda: key_information(owner))
    report("reset", session(card).reset)
    report("authenticate after reset", lambda: opened(card, 0x30))
    card.close()


if __name__ == "__main__":
    main(sys.argv[1])
