// SPDX-License-Identifier: Apache-2.0
import { secureChannelsOf } from '../../card/discovery.ts';
import { NATIVE_ISSUER_LIMITS } from '../../card/profile/native-issuer.ts';
import { readLoadFiles, readRegistry } from '../../card/registry.ts';
import { systemRandom } from '../../crypto/random.ts';
import { UsageError, WireError } from '../../errors.ts';
import { aidToHex } from '../../wire/gp/aid.ts';
import { type CardCapabilities, decodeCardCapabilities, NO_CAPABILITIES } from '../../wire/gp/card-capabilities.ts';
import { type GpCommand, responseData } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { toHex } from '../../wire/hex.ts';
import { describeEntry, describeKey } from './describe.ts';
import { hexBytes } from './options.ts';
import type { CardWork } from './session.ts';
import type { Verb } from './verb.ts';

/** Verbs that change nothing. */

async function info(card: CardWork) {
  const channels = await secureChannelsOf(card.session, systemRandom);
  const capabilities = await capabilitiesOf(card);
  const own =
    [...channels, ...capabilities.secureChannels].some(({ protocol }) => protocol === SCP10) ||
    capabilities.makesDomains;
  return {
    reader: card.readerName,
    card: card.cardId ?? 'no name of its own',
    atr: toHex(card.atr),
    securityDomain: aidToHex(card.domain),
    secureChannels: channels.map(
      ({ protocol, option }) => `SCP${toHex(Uint8Array.of(protocol))} i=${toHex(Uint8Array.of(option))}`,
    ),
    providerDomains: own ? ['security domains'] : NATIVE_ISSUER_LIMITS,
  };
}

const SCP10 = 0x10;

/** An issuer's domain of ours that also speaks SCP02 or SCP03 names SCP10 in 0067 only (applet README 5.4). */
async function capabilitiesOf(card: CardWork): Promise<CardCapabilities> {
  const command = getData(DATA_OBJECT.CARD_CAPABILITIES);
  const response = await card.session.transmit(command);
  if (response.sw !== '9000') return NO_CAPABILITIES;
  try {
    return decodeCardCapabilities(responseData(command, response));
  } catch (error) {
    if (error instanceof WireError) return NO_CAPABILITIES;
    throw error;
  }
}

async function list(card: CardWork) {
  card.requireSecure();
  const send = (command: GpCommand) => card.session.transmit(command);
  const issuer = await readRegistry(send, REGISTRY.ISSUER_SECURITY_DOMAIN);
  const applications = await readRegistry(send, REGISTRY.APPLICATIONS);
  const loadFiles = await readLoadFiles(send);
  return [
    ...issuer.map((entry) => describeEntry(entry, 'issuer')),
    ...applications.map((entry) => describeEntry(entry, 'application')),
    ...loadFiles.map((entry) => describeEntry(entry, 'load-file')),
  ];
}

async function keys(card: CardWork) {
  const answer = await card.session.send(getData(DATA_OBJECT.KEY_INFORMATION));
  return decodeKeyInformation(answer).map(describeKey);
}

async function dataObject(card: CardWork, [tag = '']: readonly string[]) {
  const bytes = hexBytes(tag);
  if (bytes.length < 1 || bytes.length > 2) throw new UsageError('tag', `${tag}: want one or two bytes in hex`);
  const number = bytes.reduce((value, byte) => value * 256 + byte, 0);
  return { tag: toHex(bytes), data: toHex(await card.session.send(getData(number))) };
}

export const readVerbs: readonly Verb[] = [
  {
    usage: 'info',
    about: 'names the card and what its security domain speaks',
    examples: ['info', 'info --reader ACR1252 --json'],
    inClear: true,
    run: info,
  },
  {
    usage: 'list',
    about: 'the registry: domains, applications, load files',
    examples: ['list --key test', 'list --key emv:MASTER --key-version 30'],
    run: list,
  },
  {
    usage: 'keys',
    about: 'the domain’s keys: version, identifier, type, length',
    examples: ['keys', 'keys --domain F0000000025350 --json'],
    run: keys,
  },
  {
    usage: 'get-data <tag>',
    about: 'one data object, such as 0042, 66, 9F7F',
    examples: ['get-data 9F7F'],
    run: dataObject,
  },
];
