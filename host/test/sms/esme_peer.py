# SPDX-License-Identifier: Apache-2.0
"""An ESME by smpplib: sends one message to the number 1000, says what comes to it, as one line of JSON each."""

import json
import sys

import smpplib.client
import smpplib.consts


def tell(**what):
    print(json.dumps(what), flush=True)


def received(pdu):
    tell(
        event="received",
        source=pdu.source_addr.decode(),
        esm=pdu.esm_class,
        pid=pdu.protocol_id,
        dcs=pdu.data_coding,
        data=pdu.short_message.hex(),
        id=pdu.receipted_message_id.decode() if pdu.receipted_message_id else None,
        state=pdu.message_state,
    )
    return smpplib.consts.SMPP_ESME_ROK


port, number, data = int(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3])
client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True, timeout=20)
client.set_message_sent_handler(lambda pdu: tell(event="sent", id=pdu.message_id.decode()))
client.set_message_received_handler(received)
client.connect()
client.bind_transceiver(system_id=number, password="secret")
tell(event="bound")
client.send_message(
    source_addr_ton=smpplib.consts.SMPP_TON_INTL,
    source_addr=number,
    dest_addr_ton=smpplib.consts.SMPP_TON_UNK,
    destination_addr="1000",
    short_message=data,
    data_coding=0xF6,
    protocol_id=0x7F,
    esm_class=0x40,
    registered_delivery=1,
)
# The answer, the receipt, and one message from the other side.
for _ in range(3):
    client.read_once(auto_send_enquire_link=False)
client.unbind()
client.disconnect()
