// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { withCard } from '../src/index.ts';
import { probeA, probeImage, select, send } from './fixture/probe.ts';

const iccid = '986800214365870921F3';

describe('file system', () => {
  it(
    'reads EF.ICCID by file identifier',
    withCard(probeImage(), async (card) => {
      expect(await send(card, '00A4000C023F00')).to.equal('9000');
      expect(await send(card, '00A4000C022FE2')).to.equal('9000');
      expect(await send(card, '00B000000A')).to.equal(`${iccid}9000`);
      expect(await send(card, '00B0000000')).to.equal(`${iccid}9000`);
      expect(await send(card, '00B0000802')).to.equal('21F39000');
    }),
  );

  it(
    'answers file control parameters, at once or through GET RESPONSE',
    withCard(probeImage(), async (card) => {
      const parameters = '62128202412183022FE28A01058002000A880110';
      expect(await send(card, '00A40004022FE200')).to.equal(`${parameters}9000`);
      expect(await send(card, '00A40004022FE2')).to.equal('6114');
      expect(await send(card, '00C0000014')).to.equal(`${parameters}9000`);
      expect(await send(card, '00A40004023F0000')).to.equal('620B8202782183023F008A01059000');
    }),
  );

  it(
    'keeps to the status words of ISO 7816-4',
    withCard(probeImage(), async (card) => {
      expect(await send(card, '00B000000A'), 'no file selected').to.equal('6986');
      expect(await send(card, '00A4000C022F05'), 'no such file').to.equal('6A82');
      await send(card, '00A4000C022FE2');
      expect(await send(card, '00B000000B'), 'too long').to.equal('6C0A');
      expect(await send(card, '00B0000A01'), 'behind the end').to.equal('6B00');
      expect(await send(card, '00B00000'), 'no Le').to.equal('6700');
      expect(await send(card, '00A4000C01AA'), 'half a name').to.equal('6700');
      expect(await send(card, '00A40003023F00'), 'P2').to.equal('6A86');
    }),
  );

  it(
    'reads by short file identifier',
    withCard(probeImage(), async (card) => {
      expect(await send(card, '00B082000A')).to.equal(`${iccid}9000`);
      expect(await send(card, '00B085000A')).to.equal('6A82');
    }),
  );

  it(
    'takes the class byte of a SIM',
    withCard(probeImage(), async (card) => {
      expect(await send(card, 'A0A40000023F00')).to.equal('9F17');
      expect(await send(card, 'A0A40000022FE2')).to.equal('9F0F');
      expect(await send(card, 'A0C000000F')).to.match(/^0000000A2FE204.*9000$/);
      expect(await send(card, 'A0B000000A')).to.equal(`${iccid}9000`);
      expect(await send(card, 'A0A40000022F05')).to.equal('9404');
    }),
  );

  it(
    'does not disturb the selected application',
    withCard('plain', async (card) => {
      await send(card, '00A4000C022FE2');
      expect(await send(card, '80CA004200')).to.equal('420489860012' + '9000');
    }),
  );

  it(
    'leaves its commands to an application that is no security domain',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      expect(await send(card, '00A4000C022FE2')).to.equal('6D00');
      expect(await send(card, '00B000000A')).to.equal('6D00');
    }),
  );

  it(
    'is absent on a chip without ICCID',
    withCard('without-file-system', async (card) => {
      expect(await send(card, '00A4000C023F00')).to.equal('6A82');
      expect(await send(card, '00B000000A')).to.equal('6D00');
      expect(await send(card, '80CA9F7F00')).to.match(/^9F7F2A4790D321.*9000$/);
    }),
  );
});
