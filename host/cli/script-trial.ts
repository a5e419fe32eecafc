// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { SimulatorError, startSimulator } from '../../simulator/src/index.ts';
import { UsageError } from '../errors.ts';
import { SoftwareKeyProvider } from '../kms/software.ts';
import { cardInPhone } from '../lab/card-in-phone.ts';
import { KeyLifeCycle } from '../service/kms/key-life-cycle.ts';
import type { CardChannel } from '../transport/card-channel.ts';
import { fromHex } from '../wire/hex.ts';
import { KeyAttributes } from '../wire/message/managed-keys.ts';
import { ScriptKms } from '../workflow/service-script/script-kms.ts';
import { readInput } from './card/cap-choice.ts';

/** What a dry run of a service script has: a simulated card that is gone afterwards, and a KMS of test keys. */

const OWNER = 'trial';
const { label, algorithm, keyUsage, modeOfUse } = KeyAttributes.properties;
/** Keys for the trial alone, in clear: never those of a platform. */
const TestKeys = Type.Array(
  Type.Object(
    {
      label,
      algorithm,
      keyUsage,
      modeOfUse,
      key: Type.String({ pattern: '^([0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})$' }),
    },
    { additionalProperties: false },
  ),
  { maxItems: 64 },
);
type TestKeys = Static<typeof TestKeys>;

interface Wanted {
  /** Path of a card image, or the bare name of one that comes with the simulator. */
  readonly image: string;
  /** JSON list of test keys; default none. */
  readonly keyFile: string | undefined;
  /** Of the instance that the keys of the card come from. */
  readonly serial: string;
}

export interface Trial extends AsyncDisposable {
  readonly card: CardChannel;
  readonly kms: ScriptKms;
}

/** @throws UsageError `card-image`, `test-keys` */
export async function openTrial({ image, keyFile, serial }: Wanted): Promise<Trial> {
  const keys = keyFile === undefined ? [] : testKeysOf(new TextDecoder().decode(await readInput(keyFile)));
  await using parts = new AsyncDisposableStack();
  const kms = parts.use(await TrialKms.open(keys, serial));
  const simulator = parts.use(await startSimulator());
  const card = await simulator.insert(image).catch((error: unknown) => {
    if (error instanceof SimulatorError) throw new UsageError('card-image', error.message, {}, error);
    throw error;
  });
  await card.power('on');
  const channel = await cardInPhone(card)();
  const own = parts.move();
  return { card: channel, kms: kms.kms, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

function testKeysOf(text: string): TestKeys {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (Check(TestKeys, value)) return value;
  throw new UsageError(
    'test-keys',
    'The file of test keys is a list of {label, algorithm, keyUsage, modeOfUse, key}; docs/service-scripts.md has one',
  );
}

/** The rules of the KMS itself, over keys in a folder that is gone afterwards. */
class TrialKms implements AsyncDisposable {
  readonly kms: ScriptKms;
  readonly #folder: string;
  readonly #provider: SoftwareKeyProvider;

  private constructor(
    folder: string,
    provider: SoftwareKeyProvider,
    { lifeCycle, serial }: { readonly lifeCycle: KeyLifeCycle; readonly serial: string },
  ) {
    this.#folder = folder;
    this.#provider = provider;
    this.kms = new ScriptKms({ use: (request) => lifeCycle.use(request, OWNER) }, OWNER, serial);
  }

  static async open(keys: TestKeys, serial: string): Promise<TrialKms> {
    const folder = await mkdtemp(join(tmpdir(), 'tsm-trial-'));
    const provider = await SoftwareKeyProvider.open(join(folder, 'keys'));
    const lifeCycle = new KeyLifeCycle(provider.managedKeys);
    await using trial = new AsyncDisposableStack();
    const opened = trial.use(new TrialKms(folder, provider, { lifeCycle, serial }));
    for (const { key, ...attributes } of keys) {
      const bytes = fromHex(key);
      const lengthBits = bytes.length === 16 ? 128 : bytes.length === 24 ? 192 : 256;
      const whole = { ...attributes, owner: OWNER, lengthBits, exportability: 'N' } as const;
      await lifeCycle.createFromComponents(whole, bytes, OWNER);
      await lifeCycle.activate(attributes.label, OWNER);
    }
    trial.move();
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#provider.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
