// SPDX-License-Identifier: Apache-2.0
import { type ContentKey, contentKey, plainSignature } from '../../crypto/content-key.ts';
import { KeyError, SecureChannelError, UsageError } from '../../errors.ts';
import { type CapFile, loadFileDataBlock, loadFileHash } from '../../wire/cap/cap-file.ts';
import type { Aid } from '../../wire/gp/aid.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import type { DapBlock } from '../../wire/gp/load.ts';
import { type Act, decodeConfirmation, receiptInput } from '../../wire/gp/receipt.ts';
import { tokenInput, withToken, withTokenNames } from '../../wire/gp/token.ts';
import { concat, toHex } from '../../wire/hex.ts';
import { descriptorOf, hashOf, readKeyFile } from './cap-choice.ts';
import { aidOption, hexBytes } from './options.ts';
import type { CardWork } from './session.ts';

/** What proves to the card that content may change: DAPs over the load file, tokens over commands; and its receipts. */
export interface ContentAuthorization {
  readonly daps: readonly DapBlock[];
  /** @param before a part of the same INSTALL, without a token, which the token of the last one is over too */
  authorize(command: GpCommand, before?: GpCommand): GpCommand;
  /** The card's confirmation, checked when there is a key for it. @throws SecureChannelError for a wrong receipt */
  confirmed(response: Uint8Array, act: Act): void;
  readonly receipts: readonly Receipt[];
}

export interface Receipt {
  readonly act: string;
  readonly counter: number;
  readonly receipt: string;
  readonly checked: boolean;
}

const KEY_FORMS = 'want aes:HEX or des:HEX, or the name of a PEM file';

/** A key from a PEM file, or `aes:` or `des:` with hex. @throws UsageError that never repeats what was given */
export async function keyOf(text: unknown): Promise<ContentKey | undefined> {
  if (typeof text !== 'string') return undefined;
  return contentKeyIn(/^(aes|des):/.test(text) ? text : new TextDecoder().decode(await readKeyFile(text, KEY_FORMS)));
}

/** @throws UsageError for a text that holds no key, or one that cards do not take */
export function contentKeyIn(text: string): ContentKey {
  try {
    return contentKey(text);
  } catch (error) {
    if (error instanceof KeyError) throw new UsageError(error.code, error.message, error.context, error);
    throw error;
  }
}

/** A token that the issuer made elsewhere (`hex:`), or its key, with which it is made here. */
async function tokenMaker(
  text: unknown,
): Promise<((command: GpCommand, ...before: readonly GpCommand[]) => Uint8Array) | undefined> {
  if (typeof text !== 'string') return undefined;
  if (!text.startsWith('hex:')) {
    const key = await keyOf(text);
    return key === undefined
      ? undefined
      : (command, ...before) => key.sign(concat(...before.map(tokenInput), tokenInput(command)));
  }
  const given = text.slice(4).split(',').map(hexBytes);
  return ({ label }) => {
    const next = given.shift();
    if (next === undefined) throw new UsageError('token', `${label} needs a token of its own: hex:TOKEN,TOKEN`);
    return next;
  };
}

/** By the key of `--dap`; without one the signature that lies in the file, where `--dap-domain` wants any. */
async function signatureOver(cap: CapFile, options: Readonly<Record<string, unknown>>) {
  const key = await keyOf(options.dap);
  const algorithm = hashOf(options.hash) ?? 'sha256';
  if (key !== undefined) return key.sign(loadFileHash(loadFileDataBlock(cap, descriptorOf(options)), algorithm));
  if (options.dapDomain === undefined) return undefined;
  const [found, other] = cap.signatures.filter(({ hash }) => hash === algorithm);
  if (found === undefined)
    throw new UsageError('dap', `The file has no signature over its ${algorithm} hash: sign with --dap KEY`);
  if (other !== undefined)
    throw new UsageError('dap', 'The file is signed by an RSA and a P-256 key: sign with --dap KEY, or keep one');
  return found.key === 'rsa' ? found.bytes : plainSignature(found.bytes, 32);
}

/** Reads `--dap`, `--dap-domain`, `--hash`, `--token` and `--receipt-key`. @throws UsageError, KeyError, WireError */
export async function contentAuthorization(
  card: CardWork,
  options: Readonly<Record<string, unknown>>,
  cap?: CapFile,
): Promise<ContentAuthorization> {
  const signature = cap === undefined ? undefined : await signatureOver(cap, options);
  const makeToken = await tokenMaker(options.token);
  const receiptKey = await keyOf(options.receiptKey);
  const dapDomain: Aid = typeof options.dapDomain === 'string' ? aidOption(options.dapDomain) : card.domain;
  const names = typeof options.tokenNames === 'string' ? hexBytes(options.tokenNames) : undefined;
  const receipts: Receipt[] = [];
  return {
    receipts,
    daps: signature === undefined ? [] : [{ securityDomain: dapDomain, signature }],
    authorize: (given, before) => {
      if (makeToken === undefined) return given;
      const command = names === undefined ? given : withTokenNames(given, names);
      return withToken(command, before === undefined ? makeToken(command) : makeToken(command, before));
    },
    confirmed: (response, act) => {
      const confirmation = decodeConfirmation(response);
      if (confirmation === undefined || confirmation.receipt.length === 0) return;
      const { receipt, counter } = confirmation;
      if (receiptKey?.verify(receiptInput(confirmation, act), receipt) === false)
        throw new SecureChannelError(
          'receipt',
          `The card's receipt for ${act.kind} is not by the receipt key: what was done is not proved. Look at the card`,
          { counter },
        );
      receipts.push({ act: act.kind, counter, receipt: toHex(receipt), checked: receiptKey !== undefined });
    },
  };
}

/** For the result of a verb. */
export const receiptsShown = ({ receipts }: ContentAuthorization) =>
  receipts.length === 0
    ? {}
    : { receipts: receipts.map(({ act, counter, checked }) => `${act} ${counter}${checked ? ' checked' : ''}`) };
