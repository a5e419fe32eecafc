// SPDX-License-Identifier: Apache-2.0
/** What an issuer's domain that is not ours refuses ends no session, and leaves its keys and names as they were. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import { loadFileCommands } from '../../card/load.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { gpCommand } from '../../wire/gp/command.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { insertNative, NATIVE_CARDS, type NativeCard } from './native-cards.ts';

/** Header, data, answer; `KVN` is the version of the session's keys. */
const REFUSED = [
  ['class 00 of a command that has none', '00F28002', '4F00', '6E00'],
  ['an unknown instruction', '80FE0000', '', '6D00'],
  ['STORE DATA of a reserved structure', '80E29800', '420101', '6A86'],
  ['STORE DATA out of turn', '80E28005', '420101', '6985'],
  ['STORE DATA of an object that nobody stores', '80E29000', '420101D30101', '6A88'],
  ['STORE DATA of a name that is too short', '80E29000', '4F0401020304', '6A80'],
  ['STORE DATA of secret objects', '80E2F000', '420101', '6A80'],
  ['STORE DATA of nothing', '80E28000', '', '6A80'],
  ['STORE DATA of a grouping that nobody stores', '80E28800', '004201010099', '6A80'],
  ['STORE DATA of a diversification that is too short', '80E29000', 'CF020102', '6A80'],
  ['extradition to another domain', '80E61000', '05A0000000990005A000000098000000', '6A88'],
  ['registry update of what is not there', '80E64000', '000005A000000098000000', '6A88'],
  ['registry update without a name', '80E64000', '000000000000', '6A80'],
  ['a key with another check value', '80D80001', `338810${'00'.repeat(16)}03000000`, '6982'],
  ['a key of no type that there is', '80D80001', '33990100', '6A80'],
  ['a key without identifier', '80D80000', '33990100', '6A86'],
  ['a modulus alone', '80D80001', `73A18180${'C5'.repeat(128)}00`, '6A80'],
  ['a key in format 2 without usage and access', '80D80001', `73FFA18180${'C5'.repeat(128)}FFA00301000100`, '6A80'],
  ['a key whose first component alone is in format 2', '80D80001', `73FFA18180${'C5'.repeat(128)}00`, '6A80'],
  ['a point of no curve', '80D80001', '70B00304010200', '6A80'],
  ['a key to replace that is not there', '80D87401', `74A18180${'C5'.repeat(128)}A00301000100`, '6A88'],
  ['DELETE of the last keys that open a session', '80E40000', 'D201KVN', '6985'],
  ['DELETE of one of them', '80E40000', 'D00102D201KVN', '6985'],
  ['DELETE of no key', '80E40000', '', '6A80'],
  ['DELETE of keys by a long version', '80E40000', 'D2020102', '6A80'],
] as const;

describe('refusals of an issuer domain that is not ours', function () {
  this.timeout(120_000);

  for (const name of NATIVE_CARDS)
    describe(name, () => {
      let native: NativeCard;
      before(async () => {
        native = await insertNative(name);
      });
      after(() => native?.[Symbol.asyncDispose]());

      it('end no session, and change nothing', async () => {
        const session = await native.open();
        const send = async (header: string, data = '') => {
          const [cla = 0, ins = 0, p1 = 0, p2 = 0] = fromHex(header);
          const bytes = fromHex(data.replace('KVN', native.image.nativeIsd?.keyVersion ?? ''));
          const answer = await session.transmit(gpCommand({ label: header, cla, ins, p1, p2, data: bytes, le: true }));
          return answer.data + answer.sw;
        };
        const seen = async () => [await send('80CA0042'), await send('80CA00E0'), await send('80CA004F')];
        const before = await seen();
        for (const [what, header, data, status] of REFUSED) {
          expect(await send(header, data), what).to.equal(status);
          expect(await seen(), `after ${what}`).to.deep.equal(before);
        }
        expect(await send('80F0807F'), 'lock').to.equal('9000');
        expect(await send('80E29000', '420101'), 'STORE DATA to a locked card').to.equal('6985');
        expect(await send('80F0800F'), 'unlock').to.equal('9000');
        expect(await seen()).to.deep.equal(before);
      });

      it('keeps the default application to one, which a reset selects', async () => {
        const session = await native.open();
        const cap = decodeCapFile(new Uint8Array(readFileSync(join(testCaps(), 'probe.cap'))));
        for (const command of loadFileCommands(cap, { withDescriptor: true })) await session.send(command);
        const install = async (p1: number, instance: string, privilege: string) => {
          const fields = ['05F000000001', '06F00000000101', `06${instance}`, `01${privilege}`, '00', '00'];
          const data = concat(...fields.map((field) => fromHex(field)));
          return (await session.transmit(gpCommand({ label: 'INSTALL', cla: 0x80, ins: 0xe6, p1, p2: 0, data }))).sw;
        };
        expect(await install(0x04, 'F00000000101', '04'), 'not selectable').to.equal('6985');
        expect(await install(0x0c, 'F00000000101', '04')).to.equal('9000');
        expect(await install(0x0c, 'F00000000102', '04'), 'a second one').to.equal('6985');
        await native.card.reset();
        expect(toHex(await native.card.transmit(fromHex('80CA00E000'))), 'the application answers').to.match(
          /^6[DE]00$/,
        );
        await native.card.transmit(fromHex('00A4040000'));
        expect(toHex(await native.card.transmit(fromHex('80CA00E000'))), 'the domain answers').to.match(/^(E0|61)/);
      });
    });
});
