// SPDX-License-Identifier: Apache-2.0
/** Content and keys of an issuer's domain that is not ours, in the forms that GPCS has for them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import type { CardSession } from '../../card/card-session.ts';
import { loadFileCommands } from '../../card/load.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { gpCommand } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { insertNative, NATIVE_CARDS, type NativeCard } from './native-cards.ts';

const INSTANCE = 'F00000000101';
const OTHER = 'F00000000102';

async function send(session: CardSession, header: string, data = ''): Promise<string> {
  const [cla = 0, ins = 0, p1 = 0, p2 = 0] = fromHex(header);
  const command = gpCommand({ label: header, cla, ins, p1, p2, data: fromHex(data), le: true });
  const answer = await session.transmit(command);
  return answer.data + answer.sw;
}

const lv = (field: string): string => (field.length / 2).toString(16).padStart(2, '0') + field;
const install = (instance: string, parameters: string): string =>
  ['F000000001', 'F00000000101', instance, '00', `C900${parameters}`, ''].map(lv).join('');
const update = (instance: string, parameters: string): string =>
  ['', '', instance, '', parameters, ''].map(lv).join('');

describe('content of an issuer domain that is not ours', function () {
  this.timeout(120_000);

  for (const name of NATIVE_CARDS)
    describe(name, () => {
      let native: NativeCard;
      let session: CardSession;
      before(async () => {
        native = await insertNative(name);
        session = await native.open();
        const cap = decodeCapFile(new Uint8Array(readFileSync(join(testCaps(), 'probe.cap'))));
        for (const command of loadFileCommands(cap, { withDescriptor: true })) await session.send(command);
      });
      after(() => native?.[Symbol.asyncDispose]());

      it('has quotas, which an instance may not pass, and which have two bytes or four', async () => {
        expect(await send(session, '80E60C00', install(OTHER, 'EF04C8020010'))).to.equal('6A84');
        expect(await send(session, '80E60C00', install(OTHER, 'EF05C803001000'))).to.equal('6A80');
        expect(await send(session, '80E60C00', install(OTHER, 'EF08C8027000C7021000'))).to.equal('009000');
      });

      it('tells the tags of 5C alone', async () => {
        session = await native.open();
        expect(await send(session, '80E60C00', install(INSTANCE, ''))).to.equal('009000');
        const own = native.image.nativeIsd?.aid ?? '';
        for (const [list, told] of [
          ['4F', `4F06${INSTANCE}`],
          ['9F70', '9F700107'],
          // C4 stands in these digits, and is no tag of the list
          ['CC4F', `4F06${INSTANCE}CC${lv(own)}`],
        ] as const) {
          const answer = await send(session, '80F24002', `4F06${INSTANCE}5C${lv(list)}`);
          expect(answer, list).to.equal(`E3${lv(told)}9000`.toUpperCase());
        }
      });

      it('locks no application as a domain', async () => {
        session = await native.open();
        expect(await send(session, '80F06080', INSTANCE)).to.equal('6985');
        expect(await send(session, '80F04080', INSTANCE)).to.equal('9000');
        expect(await send(session, '80F04000', INSTANCE)).to.equal('9000');
      });

      it('goes on with what was asked for and with nothing else', async () => {
        session = await native.open();
        for (let at = 0; at < 12; at += 1)
          expect(await send(session, '80E60C00', install(`F000000002${(0x10 + at).toString(16)}`, ''))).to.equal(
            '009000',
          );
        const first = () => send(session, '80F24002', '4F00');
        expect(await first()).to.match(/6310$/);
        expect(await send(session, '80F22003', '4F00'), 'load files').to.equal('6985');
        expect(await send(session, '80F24003', '4F00'), 'behind that').to.equal('6985');
        expect(await first()).to.match(/6310$/);
        expect(await send(session, '80F24003', '4F00')).to.match(/^E3.*(9000|6310)$/);
      });

      it('takes keys in format 2', async () => {
        session = await native.open();
        const key = `73FFA18180${'C5'.repeat(128)}FFA003010001 00 0184 0100`.replaceAll(' ', '');
        expect(await send(session, '80D80001', key)).to.equal('739000');
        expect(await send(session, '80CA00E0')).to.include('C0060173A180A003');
      });

      it('deletes no instance that another one holds, a static field holds, or a channel has selected', async () => {
        const [held, holder] = ['F00000000103', 'F00000000104'];
        const plain = async (command: string) => toHex(await native.card.transmit(fromHex(command))).slice(-4);
        const tell = async (command: string) => {
          await native.card.reset();
          expect(await plain(`00A4040006${holder}00`)).to.match(/^(9000|61..)$/);
          expect(await plain(command), command).to.match(/^(9000|61..)$/);
          session = await native.open();
        };
        session = await native.open();
        for (const instance of [held, holder]) {
          expect(await send(session, '80E60C00', install(instance, ''))).to.equal('009000');
        }
        const suffix = `06${held}00`;
        for (const [keep, release] of [
          [`80070200${suffix}`, '8009000000'],
          [`80070300${suffix}`, `80070400${suffix}`],
        ] as const) {
          await tell(keep);
          expect(await send(session, '80E40000', `4F06${held}`), keep).to.equal('6985');
          await tell(release);
        }
        expect(await plain('0070000001')).to.match(/^(9000|61..)$/);
        expect(await plain(`01A4040006${held}00`)).to.match(/^(9000|61..)$/);
        expect(await send(session, '80E40000', `4F06${held}`), 'selected').to.equal('6985');
        expect(await plain('00708001')).to.equal('9000');
        expect(await send(session, '80E40000', `4F06${held}`), 'free').to.equal('009000');
      });

      it('takes no toolkit application reference of another one, nor half a one', async () => {
        session = await native.open();
        const fields = (references: string) => {
          const toolkit = `FF0000000000${lv(references)}00`;
          return `EA${lv(`80${lv(toolkit)}`)}`;
        };
        expect(await send(session, '80E60C00', install('F00000000105', fields('020202')))).to.equal('009000');
        for (const references of ['010101020202030303', '0101010303']) {
          expect(await send(session, '80E60C00', install('F00000000106', fields(references))), references).to.equal(
            '6A80',
          );
        }
        expect(await send(session, '80E60C00', install('F00000000106', fields('010101030303')))).to.equal('009000');
        for (const gone of ['F00000000105', 'F00000000106']) {
          expect(await send(session, '80E40000', `4F06${gone}`)).to.equal('009000');
        }
      });

      it('selects by default what CF says, tells it, and not what a registry update took it away from', async () => {
        const answers = async (): Promise<string> => {
          await native.card.reset();
          return toHex(await native.card.transmit(fromHex('80CA00E000')));
        };
        session = await native.open();
        expect(await send(session, '80E64000', update(INSTANCE, 'EF03CF0140'))).to.equal('009000');
        expect(await send(session, '80F24002', `4F06${INSTANCE}5C02CFC4`)).to.equal('E30ACF0140C405F0000000019000');
        expect(await send(session, '80E64000', update(INSTANCE, 'EF03CF0100'))).to.equal('009000');
        expect(await answers(), 'the domain').to.match(/^(E0|61)/);
        session = await native.open();
        expect(await send(session, '80E40000', `4F06${INSTANCE}`)).to.equal('009000');
        expect(await send(session, '80E60C00', install(INSTANCE, 'EF03CF0140'))).to.equal('009000');
        expect(await answers(), 'the application').to.match(/^6[DE]00$/);
      });
    });
});
