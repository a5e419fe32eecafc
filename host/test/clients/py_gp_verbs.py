# SPDX-License-Identifier: Apache-2.0
"""Verbs of Py-GP over SCP02 or SCP03. Its PC/SC binding is for Windows: pyscard has the same functions."""
import sys
import warnings

import cryptography.utils
import smartcard.scard

# Py-GP 1.0.0 is of 2018: it asks `cryptography` for a decorator that has gone since, and that did nothing it needs.
cryptography.utils.register_interface = lambda interface: lambda kind: kind
sys.modules["pygp.connection.pcsc"] = smartcard.scard
warnings.simplefilter("ignore")

import pygp  # noqa: E402
from pygp.constants import CARD_ELEMENT_APPLICATION_AND_SSD  # noqa: E402
from verbs import report  # noqa: E402

gp = sys.modules["pygp.gp.gp_functions"]

TEST_KEY = "404142434445464748494A4B4C4D4E4F"
OTHER_KEY = "000102030405060708090A0B0C0D0E0F"
LOAD_FILE, APPLET, SECOND = "F000000001", "F00000000101", "F00000000102"


def checked(verb, work):
    """Py-GP prints what it reads: what counts is the status word, and what it returns."""

    def run():
        result = work()
        return pygp.last_status() if result is None else result

    return report(verb, run)


def keys(version, kind, value):
    pygp.set_key(*(f"{version}/{number}/{kind}/{value}" for number in (1, 2, 3)))


def reopen(version, level):
    pygp.select_isd()
    pygp.auth(keysetversion=version, securitylevel=level)


def entries(subset):
    status, found = gp.get_status(subset)
    if status["errorStatus"] != 0:
        raise ValueError(status["errorMessage"])
    return [{"aid": entry["aid"], "lifecycle": entry["lifecycle"]} for entry in found]


def registry():
    checked("ls", pygp.ls)
    checked("get_status_isd", lambda: entries("80"))
    checked("get_status_applications", lambda: entries("40"))
    checked("get_status_executable_load_files", lambda: entries("20"))
    checked("get_status_executable_load_files_and_modules", lambda: entries("10"))


def content(version, domain, cap):
    checked("upload_install", lambda: pygp.upload_install(cap, domain, APPLET, APPLET))
    registry()
    checked("install a second instance", lambda: pygp.install(True, LOAD_FILE, APPLET, SECOND, [], "00"))
    checked("set_app_state locked", lambda: pygp.set_app_state("80", SECOND))
    checked("set_app_state unlocked", lambda: pygp.set_app_state("00", SECOND))
    checked("set_status locked", lambda: pygp.set_status(CARD_ELEMENT_APPLICATION_AND_SSD, "80", SECOND))
    checked("set_status unlocked", lambda: pygp.set_status(CARD_ELEMENT_APPLICATION_AND_SSD, "00", SECOND))
    checked("select an application", lambda: pygp.select(SECOND))
    reopen(version, 0x03)
    checked("delete", lambda: pygp.delete(SECOND))
    checked("delete that is not there", lambda: pygp.delete(SECOND))
    checked("delete_package", lambda: pygp.delete_package(LOAD_FILE))
    checked("upload", lambda: pygp.upload(cap, domain))
    checked("install only", lambda: pygp.install(False, LOAD_FILE, APPLET, APPLET))
    checked("delete_package again", lambda: pygp.delete_package(LOAD_FILE))
    checked("install_load", lambda: pygp.install_load(cap, domain))
    checked("load_file", lambda: pygp.load_file(cap, 200))
    checked("delete_package with an expected status word", lambda: pygp.delete_package(LOAD_FILE, "9000"))


def main(reader, protocol, domain, cap):
    version, kind, levels = {
        "02": ("20", "DES", (0x00, 0x01, 0x03)),
        "03": ("30", "AES", (0x00, 0x01, 0x03, 0x11, 0x13, 0x33)),
    }[protocol]
    pygp.terminal(reader)
    checked("card", pygp.card)
    checked("get_cplc", pygp.get_cplc)
    checked("get_key_information", lambda: gp.get_key_information_template()[1])
    checked("get_data 0066", lambda: pygp.get_data("0066"))
    keys(version, kind, OTHER_KEY)
    checked("auth with other keys", lambda: reopen(version, 0x01))
    keys(version, kind, TEST_KEY)
    for level in levels:
        checked(f"auth at level {level:02X}", lambda: reopen(version, level))
        if level != 0:
            checked(f"get_status at level {level:02X}", lambda: entries("80"))
    reopen(version, 0x03)
    checked("store_data", lambda: pygp.store_data("4508AABBCCDD00000110"))
    checked("get_data 0045", lambda: pygp.get_data("0045"))
    content(version, domain, cap)
    fresh = f"{int(version, 16) + 1:02X}"
    keys(fresh, kind, OTHER_KEY)
    checked("put_scp_key", lambda: pygp.put_scp_key(fresh))
    checked("auth with new keys", lambda: reopen(fresh, 0x03))
    checked("put_scp_key replacing", lambda: pygp.put_scp_key(fresh, True))
    checked("auth with replacing keys", lambda: reopen(fresh, 0x03))
    checked("manage_channel open", lambda: pygp.manage_channel(True))
    checked("manage_channel close", lambda: pygp.manage_channel(False, 1))
    checked("send", lambda: pygp.send("80F28002024F0000"))
    checked("send raw", lambda: pygp.send("00A4040000", True))


if __name__ == "__main__":
    main(*sys.argv[1:])
