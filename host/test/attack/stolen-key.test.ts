// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { expect } from 'chai';
import { sharedSimulator } from '../../../simulator/src/index.ts';
import { CardMaker } from '../../lab/card-maker.ts';
import { runScript } from '../../transport/script-runner.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { select } from '../../wire/gp/select.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';
import { channelTo, openPlatform, TestFolder } from '../kms/fixture.ts';
import { StolenKey } from './stolen-key.ts';

/**
 * The key of one card, taken out of it: whoever has it opens the session keys that a KMS sends to this card, seals them
 * for another card of the same owner, and shows that one's challenge.
 */
describe("one card's stolen key", function () {
  this.timeout(180_000);

  /** What another card answers to the EXTERNAL AUTHENTICATE that was for the card of the stolen key. */
  async function relayed(policy: { readonly allowUnnamedReceiver?: boolean }): Promise<string | undefined> {
    await using folder = await TestFolder.make();
    const maker = await CardMaker.open(join(folder.path, 'maker'));
    const { kms, holderReference, label, certificate } = await openPlatform(folder.path, {
      allowWithoutAttestation: true,
      ...policy,
    });
    const authority = await kms.certificateAuthority();
    const makeCard = (number: string) =>
      maker.make(
        { name: `card-${number}`, iccid: `8986001234567890${number}`, keySizeBits: 1024, casd: false },
        {
          holderReference: authority.holderReference,
          publicKey: authority.publicKey,
          applicationProviderId: holderReference,
          certify: async (request) =>
            (await kms.issueSecurityDomainCertificate({ ...request, withoutAttestation: true })).certificate,
        },
      );
    const [robbed, other] = [await makeCard('0001'), await makeCard('0002')];
    const stolen = new StolenKey(robbed.image.isd?.keyPair ?? expect.fail('the card has a pair'));

    const { channelId, commands } = await kms.openSecureChannel({
      protocol: 'scp10',
      options: '02',
      securityLevel: '33',
      offCardEntityLabel: label,
      certificates: [certificate],
      securityDomainKey: robbed.isdPublicKey,
      keyReference: robbed.isdKeyReference,
    });
    const reseal = async (command: CardCommand): Promise<CardCommand> => {
      if (command.label !== 'PSO DECIPHER') return command;
      const [header, cryptogram] = [command.apdus[0]?.slice(0, 10) ?? '', command.apdus[0]?.slice(10) ?? ''];
      const sealed = await stolen.resealed(fromHex(cryptogram), fromRsaPublicKey(other.isdPublicKey));
      return { ...command, apdus: [toHex(concat(fromHex(header), sealed))] };
    };
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert(other.image);
    const card = channelTo(simulated);
    const selected = await runScript(card, [toCardCommand(select(aid(other.isdAid)))]);
    expect(selected.responses.map(({ sw }) => sw)).to.deep.equal(['9000']);
    const opening = await runScript(card, await Promise.all(commands.map(reseal)));
    expect(opening.responses.map(({ sw }) => sw)).to.deep.equal(commands.map(() => '9000'));
    const script = await kms.authenticate(channelId, { responses: opening.responses, commands: [] });
    return (await runScript(card, script.commands.slice(0, 1))).responses[0]?.sw;
  }

  it('opens no other card: what was signed is for its own pair', async () => {
    expect(await relayed({})).to.equal('6300');
  });

  it('opens another one where the owner lets its KMS name no receiver', async () => {
    expect(await relayed({ allowUnnamedReceiver: true })).to.equal('9000');
  });
});
