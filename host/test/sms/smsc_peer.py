# SPDX-License-Identifier: Apache-2.0
"""An SMSC by smpp34: throttles the first message, takes the second, sends its receipt and an answer of the card."""

import asyncio
import json
import sys

import smpp34


def tell(**what):
    print(json.dumps(what), flush=True)


async def main():
    answer = bytes.fromhex(sys.argv[2])
    server = smpp34.Server(host="127.0.0.1", port=int(sys.argv[1]), system_id="peer")
    await server.start()
    tell(event="listening")
    sessions = {}
    count = 0
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            sessions[event.session_id] = event
            tell(event="bound", systemId=event.system_id)
        elif isinstance(event, smpp34.Unbound):
            tell(event="unbound")
            break
        elif isinstance(event, smpp34.SubmitSmEvent):
            count += 1
            if count == 1:
                event.reject(smpp34.ESME_RTHROTTLED)
                continue
            tell(
                event="submitted",
                destination=event.destination_addr,
                ton=event.dest_addr_ton,
                esm=event.esm_class,
                pid=event.protocol_id,
                dcs=event.data_coding,
                registered=event.registered_delivery,
                data=event.short_message.hex(),
            )
            event.accept(message_id="m-%d" % count)
            back = {"source_addr": event.destination_addr, "destination_addr": event.source_addr}
            esme = sessions[event.session_id]
            await esme.deliver_sm(
                **back,
                esm_class=0x04,
                short_message=b"id:m-2 stat:DELIVRD",
                tlvs=[
                    smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, b"m-2\0"),
                    smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, b"\x02"),
                ],
            )
            sent = await esme.deliver_sm(
                **back, esm_class=0x40, protocol_id=0x7F, data_coding=0xF6, short_message=answer
            )
            tell(event="answered", ok=sent.is_success)
    await server.stop()


asyncio.run(main())
