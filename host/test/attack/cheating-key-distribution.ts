// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import { IssuerHand, type IssuerSecrets, type Victim } from '../../lab/properties/issuer-hand.ts';
import { issuerMoves } from '../../lab/properties/issuer-moves.ts';
import { requireOwnDomain } from '../../store/issuer/cards.ts';
import { aid } from '../../wire/gp/aid.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';
import type { IssuerContext } from '../../workflow/key-distribution/issuer-context.ts';
import * as honest from '../../workflow/key-distribution.ts';
import { type Cheat, type Found, withCheat } from './cheating-steps.ts';

/** In the process of the issuer's daemon in the place of its list of steps; see `cheating-issuer.ts`. */

export * from '../../workflow/key-distribution.ts';

const configFile = process.argv[process.argv.indexOf('--config') + 1] ?? '';
/** The topology's state: the issuer has its own KMS's keys. */
const STATE = dirname(dirname(configFile));

/** The move that the test has written down for this card; what came of it is written beside it. */
const cheat: Cheat = async (facts, context) => {
  const file = join(STATE, `move-${facts.request.cardId.value}`);
  const name = await readFile(file, 'utf8').catch(() => undefined);
  const move = issuerMoves.find((each) => each.name === name);
  if (move === undefined) return { initialKey: facts.initialKey };
  const send = async (commands: readonly CardCommand[]) => {
    const responses = [];
    for (const command of commands) responses.push(...(await context.card.exchange([command])).responses);
    return responses;
  };
  const played = await move.play(new IssuerHand(send, await secretsOf(context), victimOf(facts)));
  await writeFile(`${file}.played`, JSON.stringify({ broken: played.broken ?? 'no' }));
  return { initialKey: { ...facts.initialKey, publicKey: played.initialKey ?? facts.initialKey.publicKey } };
};

async function secretsOf({ settings }: IssuerContext): Promise<IssuerSecrets> {
  const keys = await SoftwareKeyProvider.open(join(STATE, 'keys', 'issuer'), join(STATE, 'sealing', 'issuer.key'));
  const certificate = fromHex(settings.offCardEntityCertificate);
  return {
    offCardEntity: await keys.signer(settings.offCardEntityLabel, 'off-card-entity'),
    certificate,
    authority: await keys.signer('certificate-authority', 'certificate-authority'),
    authorityReference: decodeCertificate(certificate).authorityReference,
  };
}

function victimOf({ request, card }: Found): Victim {
  const { isdAid, isdPublicKey, isdKeyReference } = requireOwnDomain(card);
  return {
    isd: {
      aid: aid(isdAid),
      publicKey: fromRsaPublicKey(isdPublicKey),
      keyReference: keyReferenceFromHex(isdKeyReference),
    },
    ssd: aid(request.ssdAid),
    applicationProviderId: fromHex(request.applicationProviderId),
    trustPoint: {
      publicKey: fromRsaPublicKey(request.trustPoint.publicKey),
      holderReference: fromHex(request.trustPoint.holderReference),
    },
  };
}

export const issuerSteps = withCheat(honest.issuerSteps, cheat);
