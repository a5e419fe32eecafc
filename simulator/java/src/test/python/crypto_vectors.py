#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/test/resources/vectors/*.json: what other libraries answer to the card's algorithms.

Run:  python3 crypto_vectors.py FOLDER      needs cryptography >= 45, py3rijndael 0.3.3 and the openssl command (3.x)
Inputs come from a counter hashed with SHA-256, so a run differs from the last only where the libraries draw randomness.
"""
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile

from cryptography.hazmat.decrepit.ciphers import algorithms as old
try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB as cfb
except ImportError:
    from cryptography.hazmat.primitives.ciphers.modes import CFB as cfb
from cryptography.hazmat.primitives import cmac, hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils, x448, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from py3rijndael import Rijndael

FOLDER = sys.argv[1]
counter = 0


def data(length):
    global counter
    out = b""
    while len(out) < length:
        counter += 1
        out += hashlib.sha256(b"card%d" % counter).digest()
    return out[:length]


def write(name, source, rows, keys=()):
    for row in [*rows, *keys]:
        for key, value in row.items():
            if isinstance(value, (bytes, bytearray)):  # keys are written twice; text stays
                row[key] = value.hex()
    with open(os.path.join(FOLDER, name + ".json"), "w") as file:
        file.write('{ "source": %s,\n' % json.dumps(source))
        if keys:
            file.write('"keys": [\n' + ",\n".join("  " + json.dumps(key) for key in keys) + "\n],\n")
        file.write('"vectors": [\n')
        file.write(",\n".join("  " + json.dumps(row) for row in rows))
        file.write("\n] }\n")


HASHES = {"SHA": "sha1", "MD5": "md5", "RIPEMD160": "ripemd160", "SHA_224": "sha224", "SHA_256": "sha256", "SHA_384": "sha384",
          "SHA_512": "sha512", "SHA3_224": "sha3_224", "SHA3_256": "sha3_256", "SHA3_384": "sha3_384", "SHA3_512": "sha3_512", "SM3": "sm3"}


def digests():
    rows = []
    for name, other in HASHES.items():
        for length in (0, 3, 55, 64, 200):
            message = data(length)
            rows.append({"digest": name, "message": message, "hash": hashlib.new(other, message).digest()})
    write("digests", "Python hashlib (OpenSSL)", rows)


def pad(name, text, block):
    if name == "PKCS5":
        count = block - len(text) % block
        return text + bytes([count]) * count
    if name == "ISO9797_M2":
        text += b"\x80"
    if name == "ISO9797_M1" and not text:
        return bytes(block)
    return text + bytes(-len(text) % block)


def des(key):
    return old.TripleDES(key * 3 if len(key) == 8 else key + key[:8] if len(key) == 16 else key)


BLOCKS = {"AES": (algorithms.AES, 16, (16, 24, 32)), "DES": (des, 8, (8, 16, 24)), "KOREAN_SEED": (old.SEED, 16, (16,)),
          "SM4": (algorithms.SM4, 16, (16,))}


def run(algorithm, mode, text):
    encryptor = Cipher(algorithm, mode).encryptor()
    return encryptor.update(text) + encryptor.finalize()


def ciphers():
    rows = []
    for name, (make, block, lengths) in BLOCKS.items():
        for length in lengths:
            for padding_name in ("NOPAD", "ISO9797_M1", "ISO9797_M2", "PKCS5"):
                for size in (0, block, 3 * block) if padding_name == "NOPAD" else (1, block - 1, block, 2 * block + 3):
                    key, vector, text = data(length), data(block), data(size)
                    padded = text if padding_name == "NOPAD" else pad(padding_name, text, block)
                    base = {"key": name, "keyBytes": key, "padding": padding_name, "text": text}
                    rows.append({**base, "cipher": name + "_CBC", "vector": vector, "result": run(make(key), modes.CBC(vector), padded)})
                    rows.append({**base, "cipher": name + "_ECB", "result": run(make(key), modes.ECB(), padded)})
    for length in (16, 24, 32):
        for size in (1, 16, 50):
            key, vector, text = data(length), data(16), data(size)
            base = {"key": "AES", "keyBytes": key, "padding": "NOPAD", "text": text, "vector": vector}
            rows.append({**base, "cipher": "AES_CTR", "result": run(algorithms.AES(key), modes.CTR(vector), text)})
            rows.append({**base, "cipher": "AES_CFB", "result": run(algorithms.AES(key), cfb(vector), text)})
    key, vector, text = data(16), b"\xff" * 16, data(40)
    rows.append({"key": "AES", "keyBytes": key, "padding": "NOPAD", "text": text, "vector": vector, "cipher": "AES_CTR",
                 "result": run(algorithms.AES(key), modes.CTR(vector), text)})
    for length in (32, 64):
        for size in (16, 17, 31, 48, 100):
            key, vector, text = data(length), data(16), data(size)
            rows.append({"key": "AES", "keyBytes": key, "padding": "NOPAD", "text": text, "vector": vector, "cipher": "AES_XTS",
                         "result": run(algorithms.AES(key), modes.XTS(vector), text)})
    write("ciphers", "Python cryptography (OpenSSL)", rows)


def rijndael():
    rows = []
    for block in (24, 32):
        for length in (16, 24, 32):
            key, vector, text = data(length), data(block), data(3 * block)
            engine, chain, ecb, cbc = Rijndael(key, block_size=block), vector, b"", b""
            for at in range(0, len(text), block):
                ecb += engine.encrypt(text[at:at + block])
                chain = engine.encrypt(bytes(a ^ b for a, b in zip(chain, text[at:at + block])))
                cbc += chain
            rows.append({"block": 8 * block, "keyBytes": key, "vector": vector, "text": text, "ecb": ecb, "cbc": cbc})
    write("rijndael", "py3rijndael 0.3.3", rows)


def aead():
    rows = []
    for length in (16, 24, 32):
        for size, extra in ((0, 0), (0, 20), (16, 0), (37, 13), (64, 32)):
            key, text, additional = data(length), data(size), data(extra)
            for nonce_length in (12, 8, 16, 60):
                nonce = data(nonce_length)
                sealed = AESGCM(key).encrypt(nonce, text, additional)
                rows.append({"mode": "GCM", "keyBytes": key, "nonce": nonce, "additional": additional, "text": text,
                             "result": sealed[:size], "tag": sealed[size:]})
            for nonce_length, tag_length in ((7, 4), (12, 8), (13, 16)):
                nonce = data(nonce_length)
                sealed = AESCCM(key, tag_length).encrypt(nonce, text, additional)
                rows.append({"mode": "CCM", "keyBytes": key, "nonce": nonce, "additional": additional, "text": text,
                             "result": sealed[:size], "tag": sealed[size:]})
    write("aead", "Python cryptography (OpenSSL)", rows)


def cbc_mac(make, key, vector, padded, block):
    return run(make(key), modes.CBC(vector), padded)[-block:]


def retail(key, vector, padded):
    first, second, third = key[:8], key[8:16], key[16:] or key[:8]
    last = cbc_mac(des, first, vector, padded, 8)
    decryptor = Cipher(des(second), modes.ECB()).decryptor()
    return run(des(third), modes.ECB(), decryptor.update(last) + decryptor.finalize())


def macs():
    rows = []
    for name, cipher in (("AES", "AES_MAC128"), ("DES", "DES_MAC8"), ("DES", "DES_MAC4"), ("KOREAN_SEED", "KOREAN_SEED_MAC"), ("SM4", "SM4_MAC128")):
        make, block, lengths = BLOCKS[name]
        for length in lengths:
            for padding_name in ("NOPAD", "ISO9797_M1", "ISO9797_M2", "PKCS5"):
                for size in (block, 3 * block) if padding_name == "NOPAD" else (0, 1, block, 2 * block + 3):
                    for vector in (bytes(block), data(block)):
                        key, text = data(length), data(size)
                        padded = text if padding_name == "NOPAD" else pad(padding_name, text, block)
                        mac = cbc_mac(make, key, vector, padded, block)
                        rows.append({"digest": "NULL", "cipher": cipher, "padding": padding_name, "key": name, "keyBytes": key,
                                     "vector": vector, "text": text, "mac": mac[:4] if cipher == "DES_MAC4" else mac})
    for length in (16, 24):
        for method in ("M1", "M2"):
            for size in (0, 7, 8, 30):
                key, text, vector = data(length), data(size), data(8)
                mac = retail(key, vector, pad("ISO9797_" + method, text, 8))
                for cipher, part in (("DES_MAC8", mac), ("DES_MAC4", mac[:4])):
                    rows.append({"digest": "NULL", "cipher": cipher, "padding": "ISO9797_1_%s_ALG3" % method, "key": "DES", "keyBytes": key,
                                 "vector": vector, "text": text, "mac": part})
    for length in (16, 24, 32):
        for size in (0, 1, 16, 40, 64):
            key, text = data(length), data(size)
            engine = cmac.CMAC(algorithms.AES(key))
            engine.update(text)
            rows.append({"digest": "NULL", "cipher": "AES_CMAC128", "padding": "NULL", "key": "AES", "keyBytes": key, "text": text,
                         "mac": engine.finalize()})
    for name, other in HASHES.items():
        for length in (1, 20, 64, 140):
            key, text = data(length), data(50)
            rows.append({"digest": name, "cipher": "HMAC", "padding": "NULL", "key": "HMAC", "keyBytes": key, "text": text,
                         "mac": hmac.new(key, text, other).digest()})
    write("macs", "Python cryptography and hashlib (OpenSSL)", rows)


def big(number, length=None):
    return number.to_bytes(length or (number.bit_length() + 7) // 8 or 1, "big")


def rsa_row(key):
    numbers = key.private_numbers()
    public = numbers.public_numbers
    size = key.key_size
    return {"bits": size, "n": big(public.n), "e": big(public.e), "d": big(numbers.d, size // 8), "p": big(numbers.p), "q": big(numbers.q),
            // 16)}
            "dp": big(numbers.dmp1, size // 16), "dq": big(numbers.dmq1, size // 16), "pq": big(numbers.iqmp, size


PYHASH = {"SHA": hashes.SHA1, "MD5": hashes.MD5, "SHA_224": hashes.SHA224, "SHA_256": hashes.SHA256, "SHA_384": hashes.SHA384,
          "SHA_512": hashes.SHA512, "SHA3_224": hashes.SHA3_224, "SHA3_256": hashes.SHA3_256, "SHA3_384": hashes.SHA3_384,
          "SHA3_512": hashes.SHA3_512}
RIPEMD_PREFIX = bytes.fromhex("3021300906052b2403020105000414")
ISO_TRAILER = {"SHA": b"\xbc", "RIPEMD160": b"\x31\xcc", "SHA_256": b"\x34\xcc", "SHA_512": b"\x35\xcc", "SHA_384": b"\x36\xcc"}


def private_power(key, block):
    numbers = key.private_numbers()
    return big(pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n), key.key_size // 8)


def type_one(payload, length):
    return b"\0\1" + b"\xff" * (length - len(payload) - 3) + b"\0" + payload


def iso9796_2(digest, message, length):
    """Scheme 1: header, message or as much as fits, hash, trailer."""
    value, trailer = hashlib.new(HASHES[digest], message).digest(), ISO_TRAILER[digest]
    room = length - len(value) - len(trailer) - 1
    if len(message) > room:
        return b"\x6a" + message[:room] + value + trailer, room
    fill = room - len(message)
    body = (b"\x4a" if fill == 0 else b"\x4b" + b"\xbb" * (fill - 1) + b"\xba") + message + value + trailer
    return body, len(message)


def mgf1(seed, length, name):
    out = b"".join(hashlib.new(name, seed + block.to_bytes(4, "big")).digest() for block in range(1 + length // 20))
    return out[:length]


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


def oaep(text, name, length):
    """RFC 8017 7.1.1, for hashes that the library does not combine with OAEP."""
    size = hashlib.new(name).digest_size
    block = hashlib.new(name).digest() + bytes(length - len(text) - 2 * size - 2) + b"\1" + text
    seed = data(size)
    masked = xor(block, mgf1(seed, len(block), name))
    return b"\0" + xor(seed, mgf1(masked, size, name)) + masked


def rsas():
    signatures, encryptions, keys = [], [], []
    for bits in (1024, 1536, 2048):
        key = rsa.generate_private_key(65537, bits)
        keys.append(rsa_row(key))
        number = {"rsa": len(keys) - 1}
        for digest, make in PYHASH.items():
            text = data(77)
            if digest not in ("SHA3_512",):
                signatures.append({**number, "digest": digest, "padding": "PKCS1", "text": text,
                                   "signature": key.sign(text, padding.PKCS1v15(), make())})
            if digest != "MD5" and bits // 8 >= 2 * make.digest_size + 2:
                pss = padding.PSS(padding.MGF1(make()), make.digest_size)
                signatures.append({**number, "digest": digest, "padding": "PKCS1_PSS", "text": text, "random": True,
                                   "signature": key.sign(text, pss, make())})
        for digest in ("MD5", "SHA"):
            text = data(60)
            signatures.append({**number, "digest": digest, "padding": "RFC2409", "text": text,
                               // 8))})
                               "signature": private_power(key, type_one(hashlib.new(HASHES[digest], text).digest(), bits
        text = data(60)
        signatures.append({**number, "digest": "RIPEMD160", "padding": "PKCS1", "text": text, "signature": private_power(
            key, type_one(RIPEMD_PREFIX + hashlib.new("ripemd160", text).digest(), bits // 8))})
        for digest in ISO_TRAILER:
            for size in (1, 20, 200, 500):
                text = data(size)
                block, recovered = iso9796_2(digest, text, bits // 8)
                signatures.append({**number, "digest": digest, "padding": "ISO9796", "text": text, "recovered": recovered,
                                   "signature": private_power(key, block)})
        encryptions.append({**number, "padding": "NOPAD", "text": b"\0" + data(bits // 8 - 1)})
        // 8)
        encryptions[-1]["result"] = big(pow(int.from_bytes(encryptions[-1]["text"], "big"), 65537, key.public_key().public_numbers().n), bits
        for size in (0, 1, 50):
            text = data(size)
            encryptions.append({**number, "padding": "PKCS1", "text": text, "random": True,
                                "result": key.public_key().encrypt(text, padding.PKCS1v15())})
        text = data(40)
        encryptions.append({**number, "padding": "PKCS1", "text": text, "byPrivate": True,
                            "result": private_power(key, type_one(text, bits // 8))})
        for digest, make in PYHASH.items():
            if digest != "MD5" and bits // 8 >= 2 * make.digest_size + 2 + 20:
                name = "PKCS1_OAEP" + ("" if digest == "SHA" else "_" + digest.replace("SHA_", "SHA"))
                text = data(20)
                if digest.startswith("SHA3"):
                    public = key.public_key().public_numbers()
                    block = int.from_bytes(oaep(text, HASHES[digest], bits // 8), "big")
                    result = big(pow(block, public.e, public.n), bits // 8)
                else:
                    result = key.public_key().encrypt(text, padding.OAEP(padding.MGF1(make()), make(), None))
                encryptions.append({**number, "padding": name, "text": text, "random": True, "result": result})
    write("rsa-signatures", "Python cryptography (OpenSSL); ISO 9796-2 and RFC 2409 blocks by this script", signatures, keys)
    write("rsa-encryption", "Python cryptography (OpenSSL)", encryptions, keys)


CURVES = {112: "secp112r1", 128: "secp128r1", 160: "secp160r1", 192: "prime192v1", 224: "secp224r1", 239: "prime239v1", 256: "prime256v1",
          320: "brainpoolP320r1", 384: "secp384r1", 512: "brainpoolP512r1", 521: "secp521r1"}
BINARY = {113: "sect113r1", 131: "sect131r1", 163: "sect163r1", 193: "sect193r1"}
NAMED = {"SECP192R1": "prime192v1", "SECP224R1": "secp224r1", "SECP256R1": "prime256v1", "SECP384R1": "secp384r1", "SECP521R1": "secp521r1",
         **{"BRAINPOOLP%d%s1" % (size, kind.upper()): "brainpoolP%d%s1" % (size, kind) for size in (192, 224, 256, 320, 384, 512) for kind in "rt"}}


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


def field(text, label):
    after = text.split(label)[1].split("\n")
    lines = [after[0]] if after[0].strip() else []
    for line in after[1:]:
        if not line.startswith("    "):
            break
        lines.append(line)
    return bytes.fromhex("".join(lines).replace(":", "").replace(" ", ""))


class Pair:
    """A key pair of the openssl command: PEM file, scalar, point."""

    def __init__(self, folder, curve, number, explicit=False):
        self.file = os.path.join(folder, "%s-%d.pem" % (curve, number))
        openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", self.file)
        text = openssl("ec", "-in", self.file, "-text", "-noout", "-param_enc", "explicit").decode()
        self.scalar, self.point = field(text, "priv:"), field(text, "pub:")
        self.parameters = text
        self.public = self.file + ".pub"
        openssl("ec", "-in", self.file, "-pubout", "-out", self.public)


def curves():
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        wanted = [("FP", size, None, curve) for size, curve in CURVES.items()] + [("F2M", size, None, curve) for size, curve in BINARY.items()]
        wanted += [("XEC", None, name, curve) for name, curve in NAMED.items()]
        # A curve that is no default of its size: the applet sets every parameter.
        wanted += [("CUSTOM", 256, None, "brainpoolP256r1"), ("CUSTOM", 384, None, "brainpoolP384r1"), ("CUSTOM", 192, None, "brainpoolP192r1")]
        for kind, size, name, curve in wanted:
            ours, theirs = Pair(folder, curve, 1), Pair(folder, curve, 2)
            text = data(70)
            file = os.path.join(folder, "text")
            with open(file, "wb") as out:
                out.write(text)
            row = {"kind": kind, "curve": curve, "s": ours.scalar, "w": ours.point, "otherW": theirs.point, "text": text,
                   "secret": openssl("pkeyutl", "-derive", "-inkey", ours.file, "-peerkey", theirs.public)}
            for digest in ("SHA", "SHA_256", "SHA_384", "SHA_512", "SHA3_256"):
                row["ecdsa_" + digest] = openssl("dgst", "-" + HASHES[digest].replace("_", "-"), "-sign", ours.file, file)
            if size is not None:
                row["bits"] = size
            if name is not None:
                row["name"] = name
            if kind == "CUSTOM":
                for letter, label in (("p", "Prime:"), ("a", "A:   "), ("b", "B:   "), ("r", "Order: ")):
                    row[letter] = field(ours.parameters, label).lstrip(b"\0")
                row["g"] = field(ours.parameters, "Generator (uncompressed):")
            rows.append(row)
    write("curves", "OpenSSL command (ecparam, pkeyutl -derive, dgst -sign)", rows)


RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
RAW_PRIVATE = (serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())


def edwards():
    rows = []
    for name, module in (("X25519", x25519.X25519PrivateKey), ("X448", x448.X448PrivateKey)):
        for _ in range(4):
            ours, theirs = module.generate(), module.generate()
            rows.append({"name": name, "private": ours.private_bytes(*RAW_PRIVATE), "public": ours.public_key().public_bytes(*RAW),
                         "other": theirs.public_key().public_bytes(*RAW), "secret": ours.exchange(theirs.public_key())})
    for name, module in (("ED25519", ed25519.Ed25519PrivateKey), ("ED448", ed448.Ed448PrivateKey)):
        for length in (0, 1, 64, 300):
            key, text = module.generate(), data(length)
            rows.append({"name": name, "private": key.private_bytes(*RAW_PRIVATE), "public": key.public_key().public_bytes(*RAW),
                         "text": text, "signature": key.sign(text)})
    write("edwards", "Python cryptography (OpenSSL)", rows)


def groups():
    rows = []
    for bits in (1024, 2048):
        parameters = dsa.generate_parameters(bits)
        key = parameters.generate_private_key()
        numbers = key.private_numbers()
        group = numbers.public_numbers.parameter_numbers
        for digest in ("SHA", "SHA_256"):
            text = data(50)
            // 8),
            rows.append({"kind": "DSA", "bits": bits, "p": big(group.p), "q": big(group.q), "g": big(group.g, bits
                         "x": big(numbers.x), "y": big(numbers.public_numbers.y, bits // 8), "digest": digest, "text": text,
                         "signature": key.sign(text, PYHASH[digest]())})
        mine, other = int.from_bytes(data(32), "big"), int.from_bytes(data(32), "big")
        rows.append({"kind": "DH", "bits": bits, "p": big(group.p), "g": big(group.g, bits // 8), "x": big(mine),
                     "other": big(pow(group.g, other, group.p), bits // 8),
                     "secret": big(pow(group.g, mine * other, group.p), bits // 8)})
    write("groups", "Python cryptography (OpenSSL); Diffie-Hellman by Python's pow", rows)


for part in (digests, ciphers, rijndael, aead, macs, rsas, curves, edwards, groups):
    part()
