// SPDX-License-Identifier: Apache-2.0
/** Messages and receipts as SMSCs of several makers send them (SMPP 3.4, 4.6, 4.7, 5.3.2, appendix B). */
import { expect } from 'chai';
import { PDU, type Pdu } from 'smpp';
import { ESM, idForms, messageOf } from '../../bearer/sms/smpp-pdu.ts';
import { WireError } from '../../errors.ts';
import { toHex } from '../../wire/hex.ts';

/** Over the wire and back, as the link has it. */
function received(command: string, fields: Readonly<Record<string, unknown>>): Pdu {
  const addresses = { source_addr: '491700000001', destination_addr: '1000' };
  return PDU.fromBuffer(new PDU(command, { ...addresses, ...fields }).toBuffer());
}

const user = (hex: string): Buffer => Buffer.from(hex, 'hex');
const HEADED = { esm_class: ESM.HEADER, protocol_id: 0x7f, data_coding: 0xf6 };
const sar = (sequence: number) => ({ sar_msg_ref_num: 0x1234, sar_total_segments: 2, sar_segment_seqnum: sequence });

describe('a message of an SMSC', () => {
  for (const [name, pdu, expected] of [
    ['in short_message', received('deliver_sm', { ...HEADED, short_message: user('027100AA') }), '027100AA'],
    ['in message_payload', received('deliver_sm', { ...HEADED, message_payload: user('027100AA') }), '027100AA'],
    ['in data_sm', received('data_sm', { esm_class: ESM.HEADER, message_payload: user('027100AA') }), '027100AA'],
    [
      'joined by the SMSC',
      received('deliver_sm', { ...HEADED, message_payload: Buffer.concat([user('027100'), Buffer.alloc(900)]) }),
      `027100${'00'.repeat(900)}`,
    ],
    [
      'first of two, its place in TLVs',
      received('deliver_sm', { ...HEADED, ...sar(1), short_message: user('027100AA') }),
      '080804123402017100AA',
    ],
    [
      'second of two, its place in TLVs and no header',
      received('deliver_sm', { data_coding: 0xf6, ...sar(2), short_message: user('BB') }),
      '06080412340202BB',
    ],
    [
      'whole, with TLVs of one part',
      received('deliver_sm', { ...HEADED, ...sar(1), sar_total_segments: 1, short_message: user('027100AA') }),
      '027100AA',
    ],
  ] as const)
    it(`is read ${name}`, () => {
      const message = messageOf(pdu);
      expect(toHex(message.userData)).to.equal(expected);
      expect(message.esmClass & ESM.HEADER).to.equal(ESM.HEADER);
      expect([message.source, message.destination]).to.deep.equal(['491700000001', '1000']);
    });

  for (const dcs of [0x04, 0x16, 0xf2, 0xf5, 0xf6])
    it(`is read with data_coding ${dcs.toString(16)}`, () => {
      expect(
        messageOf(received('deliver_sm', { ...HEADED, data_coding: dcs, short_message: user('027100AA') })).dcs,
      ).to.equal(dcs);
    });

  for (const source of ['+491700000001', '00491700000001'])
    it(`comes from the number that ${source} is`, () => {
      const pdu = received('deliver_sm', { ...HEADED, source_addr: source, short_message: user('027100AA') });
      expect(messageOf(pdu).source).to.equal('491700000001');
    });

  it('that says what became of another is a receipt, whatever esm_class says', () => {
    const tlvs = { receipted_message_id: '4D2', message_state: 2 };
    expect(messageOf(received('deliver_sm', { source_addr: '', ...tlvs })).esmClass).to.equal(ESM.DELIVERY_RECEIPT);
    const answer = { ...HEADED, esm_class: ESM.HEADER | ESM.ACKNOWLEDGEMENT, ...tlvs, short_message: user('027100AA') };
    expect(messageOf(received('deliver_sm', answer)).esmClass).to.equal(ESM.HEADER | ESM.ACKNOWLEDGEMENT);
  });

  it('is refused when it is longer than any card’s', () => {
    const pdu = received('deliver_sm', { ...HEADED, message_payload: Buffer.alloc(3_601) });
    expect(() => messageOf(pdu)).to.throw(WireError);
  });
});

describe('the id in a receipt', () => {
  it('is that of submit_sm_resp in hex or decimal, with zeros or without', () => {
    for (const [given, told] of [
      ['4D2', '1234'],
      ['4d2', '0000001234'],
      ['1234', '4D2'],
      ['1234', '000004d2'],
      ['000004D2', '1234'],
      ['0000001234', '1234'],
      ['a1b2-c3', 'a1b2-c3'],
    ] as const)
      expect(
        idForms(told).some((form) => form === given || idForms(given).includes(form)),
        `${given} as ${told}`,
      ).to.equal(true);
    expect(idForms('x-1')).to.deep.equal(['x-1']);
    expect(idForms('1234')).not.to.include('1235');
  });
});
