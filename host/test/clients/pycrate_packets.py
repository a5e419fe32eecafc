# SPDX-License-Identifier: Apache-2.0
"""Reads what ours has written with pycrate's structures: argv[1] is JSON of hex by name, each answer a line."""

import json
import sys

from pycrate_mobile.TS23040_SMS import SMS_DELIVER, SMS_SUBMIT
from pycrate_mobile.TS31111_SAT import BERLen, BERTag_dict, COMPTag, CompTag_dict
from pycrate_mobile.TS31115 import PacketCmdSMSPP, PacketRespSMSPP, RespStatus_dict, TAR_dict


def read(structure, data):
    structure.from_bytes(data)
    if structure.to_bytes() != data:
        raise ValueError("pycrate writes %s" % structure.to_bytes().hex())
    return structure


def command(data):
    packet = read(PacketCmdSMSPP(), data)
    spi, kic = packet["SPI"], packet["KIc"]
    return {
        "lengths": [packet["CmdPacketLen"](), packet["CmdHeaderLen"]()],
        "spi": [spi[name]() for name in ("IntegrityType", "CipherType", "CounterType")],
        "proof": [spi[name]() for name in ("PoRExpect", "PoRIntegrityType", "PoRCipherType", "SMSPoR")],
        "kic": [kic["Keys"](), kic["AlgType"](), kic["AlgSubtype"]()],
        "kid": packet["KID"].to_bytes().hex(),
        "tar": TAR_dict[packet["TAR"]()],
        "counter": packet["CNTR"](),
        "padding": packet["PCNTR"](),
        "checksum": len(packet["IntegrityCheck"]()),
        "data": packet["Data"]().hex(),
    }


def response(data):
    packet = read(PacketRespSMSPP(), data)
    return {
        "lengths": [packet["RespPacketLen"](), packet["RespHeaderLen"]()],
        "tar": TAR_dict[packet["TAR"]()],
        "counter": packet["CNTR"](),
        "status": RespStatus_dict[packet["Status"]()],
        "checksum": len(packet["IntegrityCheck"]()),
        "data": packet["Data"]().hex(),
    }


def template(data):
    """Its name, and its objects by the names that pycrate has for their tags."""
    length = BERLen()
    length.from_bytes(data[1:])
    rest, objects = data[1 + length.get_len() :], []
    if length[-1]() != len(rest):
        raise ValueError("length is %d of %d" % (length[-1](), len(rest)))
    while rest:
        tag, size = COMPTag(), BERLen()
        tag.from_bytes(rest)
        size.from_bytes(rest[tag.get_len() :])
        begin = tag.get_len() + size.get_len()
        value = rest[begin : begin + size[-1]()]
        objects.append([CompTag_dict[tag[1]()], tag[0](), value.hex()])
        rest = rest[begin + len(value) :]
    return {"name": BERTag_dict[data[0]], "objects": objects}


def user_data(message, data):
    read(message, data)
    content = message["TP_UD"]
    elements = content["UDH"]["UDH"] if message["TP_UDHI"]() else []
    header = [[element["T"](), element["V"].to_bytes().hex()] for element in elements]
    return {"dcs": message["TP_DCS"].to_bytes().hex(), "header": header, "data": content["UD"].decode()}


READERS = {
    "command": command,
    "response": response,
    "envelope": template,
    "script": template,
    "deliver": lambda data: user_data(SMS_DELIVER(), data),
    "submit": lambda data: user_data(SMS_SUBMIT(), data),
}

for name, text in json.loads(sys.argv[1]).items():
    result = READERS[name.split()[0]](bytes.fromhex(text))
    hex_of = lambda value: value.hex() if isinstance(value, bytes) else str(value)
    print(json.dumps({"verb": name, "result": result}, default=hex_of, separators=(",", ":")))
