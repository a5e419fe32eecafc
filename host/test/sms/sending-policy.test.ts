// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { SmscRoutes, withProof } from '../../bearer/sms/smsc-routes.ts';
import { UsageError } from '../../errors.ts';
import { PRIORITY, packetSecurity } from '../../service/ota/packet-rules.ts';
import { type ServerRules, sendingOf } from '../../service/ota/sending-policy.ts';
import type { PacketRow } from '../../store/ota/packet-table.ts';
import type { SendingRules } from '../../wire/message/sending-rules.ts';
import { decodeSecurityParameters, encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';

/** How often, when and by which SMSC the messages of a card go: the decisions alone. */

const NOON = new Date(Date.UTC(2026, 0, 1, 12));
const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour));
const server: ServerRules = {
  sendings: 4,
  resendMs: 60_000,
  groups: new Map<string, SendingRules>([
    ['meters', { sendings: 8, resendSeconds: 3_600, quietHours: { from: '10:00', until: '14:00' } }],
    ['cars', {}],
  ]),
};

const packet = (
  subscriber: PacketRow['subscriber'],
  { rules = null, priority = PRIORITY.NORMAL }: { rules?: PacketRow['rules']; priority?: number } = {},
) => ({ subscriber, rules, priority });
const own = (sending: SendingRules | null, group: string | null = null) => ({ group, sending });

describe('the rules by which a message leaves', () => {
  for (const [name, row, expected] of [
    ['the server’s, for a card without any', packet(own(null)), [4, 60_000]],
    ['the server’s, for a card without a number', packet(null), [4, 60_000]],
    ['the server’s, for a group without any', packet(own(null, 'cars')), [4, 60_000]],
    ['the server’s, for a group that the config has no more', packet(own(null, 'ships')), [4, 60_000]],
    ['the group’s', packet(own(null, 'meters')), [8, 3_600_000]],
    ['the card’s before the group’s, each by itself', packet(own({ sendings: 2 }, 'meters')), [2, 3_600_000]],
    [
      'the campaign’s before all others',
      packet(own({ sendings: 2, resendSeconds: 5 }, 'meters'), { rules: { sendings: 1, resendMs: 7 } }),
      [1, 7],
    ],
  ] as const)
    it(`are ${name}`, () => {
      const { sendings, resendMs } = sendingOf(row, server, NOON);
      expect([sendings, resendMs]).to.deep.equal(expected);
    });

  const quietServer: ServerRules = { ...server, quietUntil: () => at(20) };
  for (const [name, row, rules, expected] of [
    ['at once', packet(own(null)), server, NOON],
    ['after the server’s quiet hours', packet(own(null)), quietServer, at(20)],
    ['after those of the group, whatever the server’s are', packet(own(null, 'meters')), quietServer, at(14)],
    [
      'after those of the card, whatever the group’s are',
      packet(own({ quietHours: { from: '11:00', until: '13:00' } }, 'meters')),
      ...([server, at(13)] as const),
    ],
    ['at once where a person waits', packet(own(null, 'meters'), { priority: PRIORITY.SESSION }), server, NOON],
    [
      'in the hours of its campaign that are none of the card’s quiet ones',
      packet(own(null, 'meters'), { rules: { hours: { from: '16:00', until: '18:00' } } }),
      ...([server, at(16)] as const),
    ],
  ] as const)
    it(`let it leave ${name}`, () => {
      expect(sendingOf(row, rules, NOON).notBefore).to.deep.equal(expected);
    });

  it('refuse a time zone that is none', () => {
    const quietHours = { from: '10:00', until: '14:00', timeZone: 'Moon/Sea' };
    expect(() => sendingOf(packet(own({ quietHours })), server, NOON)).to.throw(UsageError);
  });
});

describe('the SMSC of a card', () => {
  const network = { submit: async () => '' };
  const routes = new SmscRoutes({
    own: { network, source: '1000' },
    others: [
      { network, name: 'one', source: '2000', prefixes: ['49'] },
      { network, name: 'two', source: '3000', prefixes: ['49170', '33'], proof: 'submit' },
      { network, name: 'three', source: '4000', prefixes: [] },
    ],
    groups: new Map([
      ['meters', 'three'],
      ['ships', 'gone'],
    ]),
  });
  for (const [msisdn, group, source] of [
    ['491600000001', undefined, '2000'],
    ['491700000001', undefined, '3000'],
    ['331700000001', null, '3000'],
    ['441700000001', null, '1000'],
    ['491700000001', 'meters', '4000'],
    ['491700000001', 'cars', '3000'],
    ['441700000001', 'ships', '1000'],
  ] as const)
    it(`is ${source} for ${msisdn} in ${group ?? 'no group'}`, () => {
      expect(routes.of(msisdn, group).source).to.equal(source);
    });

  it('decides how the card proves receipt, and nothing else of its security', () => {
    const asked = packetSecurity();
    const spi = encodeSecurityParameters(asked);
    expect(withProof(spi, undefined)).to.equal(spi);
    expect(decodeSecurityParameters(withProof(spi, 'submit'))).to.deep.equal({ ...asked, proofBySubmit: true });
    expect(withProof(withProof(spi, 'submit'), 'deliver-report')).to.deep.equal(spi);
  });
});
