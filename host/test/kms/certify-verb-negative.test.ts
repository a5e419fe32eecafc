// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Peer } from '../../rest/identity.ts';
import type { KeyAudit } from '../../service/kms/key-audit.ts';
import { makersList, newIsdKey, type OperatorDesk, tsm, withDesk } from './operator-desk.ts';

const SELF: Peer = { role: 'kms', id: 'issuer' };
const OWNER: Peer = { role: 'issuer', id: 'main' };

const good = newIsdKey();
const odd = newIsdKey(1024, 3);

interface Case {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly words?: readonly string[];
  readonly says: RegExp;
}

const CASES: readonly Case[] = [
  { name: 'a private key', file: 'isd.pem', text: good.privatePem, says: /private-key.*-pubout/ },
  { name: 'a file that is no key', file: 'isd.pem', text: 'no key', says: /want one RSA public key in PEM/ },
  { name: 'a key that the CA does not take', file: 'isd.pem', text: odd.pem, says: /exponent 010001/ },
  {
    name: 'a holder reference that is too short',
    file: 'isd.pem',
    text: good.pem,
    words: ['--holder-reference', 'A7'],
    says: /wants 32 hex digits/,
  },
  {
    name: 'a list with a key that the CA does not take',
    file: 'cards.csv',
    text: makersList([good.key, odd.key]),
    says: /cards\.csv:3: want an RSA key.*\n.*1 faults: no key/,
  },
  {
    name: 'a list in which two cards have one key',
    file: 'cards.csv',
    text: makersList([good.key, good.key]),
    says: /cards\.csv:3: the same key as in line 2/,
  },
  {
    name: 'a list of cards with ISDs of their maker',
    file: 'cards.csv',
    text: 'iccid,enc,mac,dek\n8986001234567890123,D0,D0,D0\n',
    says: /cards\.csv:2: This model has an ISD of ours/,
  },
  { name: 'a list without a card', file: 'cards.csv', text: makersList([]), says: /there is no card/ },
  {
    name: 'a holder reference for a whole list',
    file: 'cards.csv',
    text: makersList([good.key]),
    words: ['--holder-reference', 'A7'.repeat(16)],
    says: /is for one key/,
  },
];

describe('tsm kms certify refuses', function () {
  this.timeout(120_000);

  it('what the CA would not take, before it certifies anything', async () => {
    const record: string[] = [];
    const audit: KeyAudit = async (_phase, act) => void record.push(act);
    const work = async (desk: OperatorDesk) => {
      const alice = await desk.operator('alice');
      record.length = 0;
      for (const { name, file, text, words = [], says } of CASES) {
        const ended = await tsm('kms', '--config', alice, 'certify', await desk.file(file, text), ...words);
        expect(ended, name).to.deep.include({ code: 2, out: '' });
        expect(ended.err, name).to.match(says);
      }
      expect(record).to.deep.equal([]);
    };
    await withDesk(SELF, OWNER, work, audit);
  });

  it('an operator of the platform, who is told whose config it wants', async () => {
    await withDesk(SELF, OWNER, async (desk) => {
      const config = await desk.operator('clerk', OWNER);
      const ended = await tsm('kms', '--config', config, 'certify', await desk.file('isd.pem', good.pem));
      expect(ended).to.deep.include({ code: 2, out: '' });
      expect(ended.err).to.match(/not-a-kms.*want the issuer's KMS and its operator/);
    });
  });
});
