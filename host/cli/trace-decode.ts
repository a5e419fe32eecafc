// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { TsmError } from '../errors.ts';
import { decodeCommand } from '../wire/apdu.ts';
import { decodeTlvs, tagToHex } from '../wire/ber-tlv.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import { statusWordMeaning } from '../wire/status-word.ts';
import { readInput } from './card/cap-choice.ts';
import { addExamples } from './card/examples.ts';
import { print } from './card/print.ts';
import { commandName, shownData } from './card/trace.ts';

/** One line of a trace, in words. */
interface DecodedLine {
  readonly direction: '>>' | '<<';
  readonly text: string;
}

/** Second byte of the command a response belongs to, so that its secrets stay hidden. */
const HEX = /\b(?:[0-9A-Fa-f]{2}[ :]?)+\b/g;

/**
 * Reads traces as our own `--trace`, GlobalPlatformPro's `-d` (`A>> T=1 (4+0000) 00A40400 00`), pcscd's `APDU:`/`SW:`
 * and opensc-tool's `Sending:` write them.
 */
export function decodeTrace(text: string, showSecrets = false): DecodedLine[] {
  return text.split('\n').flatMap((line): DecodedLine[] => {
    const [, mark = '', rest = ''] = /(A>>|A<<|APDU:|SW:|Sending:|=>|<=)\s*(.*)$/.exec(line) ?? [];
    if (mark === '') return [];
    const hex = hexOf(rest);
    if (hex === '') return [];
    return mark === 'A>>' || mark === 'APDU:' || mark === 'Sending:' || mark === '=>'
      ? [{ direction: '>>', text: decodeSent(hex, showSecrets) }]
      : [{ direction: '<<', text: decodeReceived(hex) }];
  });
}

/** The hex of a line, without what stands in brackets, protocol marks and times. */
function hexOf(text: string): string {
  const bare = text.replaceAll(/\([^)]*\)|\[[^\]]*\]|T=[01]|\b\d+ ?ms\b/g, ' ');
  const digits = (bare.match(HEX) ?? []).join('').replaceAll(/[\s:]/g, '').toUpperCase();
  return digits.length % 2 === 0 ? digits : '';
}

function decodeSent(hex: string, showSecrets: boolean): string {
  if (hex.length < 8) return `${hex} (too short for a command)`;
  const [cla, p1, p2] = [hex.slice(0, 2), hex.slice(4, 6), hex.slice(6, 8)];
  const ins = Number.parseInt(hex.slice(2, 4), 16);
  const head = `${commandName(ins)}${secureMark(cla)} CLA ${cla} P1 ${p1} P2 ${p2}`;
  try {
    const { data, le } = decodeCommand(fromHex(hex));
    const shown = showSecrets ? toHex(data) : shownData(ins, toHex(data));
    return [head, shown === '' ? '' : `data ${shown}`, le === undefined ? '' : `Le ${le}`].filter(Boolean).join(' ');
  } catch (error) {
    if (error instanceof TsmError) return `${head} (masked or malformed)`;
    throw error;
  }
}

const secureMark = (cla: string): string => {
  const value = Number.parseInt(cla, 16);
  return (value & 0x84) === 0x84 || (value & 0xe0) === 0xe0 ? ' [secure messaging]' : '';
};

function decodeReceived(hex: string): string {
  const [data, sw] = [hex.slice(0, -4), hex.slice(-4)];
  const words = `${sw} ${statusWordMeaning(Number.parseInt(sw, 16))}`;
  return data === '' ? words : `${words}  ${tlvText(fromHex(data)) ?? data}`;
}

/** `66 { 73 { .. } }`; undefined when it is no BER-TLV. */
export function tlvText(bytes: Uint8Array, depth = 0): string | undefined {
  try {
    const objects = decodeTlvs(bytes);
    if (objects.length === 0) return undefined;
    return objects
      .map(({ tag, value }) => {
        const name = tagToHex(tag);
        const constructed = (Number.parseInt(name.slice(0, 2), 16) & 0x20) !== 0;
        const inner = constructed && depth < 8 ? tlvText(value, depth + 1) : undefined;
        return inner === undefined ? `${name} ${toHex(value)}` : `${name} { ${inner} }`;
      })
      .join(' ');
  } catch (error) {
    if (error instanceof TsmError) return undefined;
    throw error;
  }
}

/** `tsm trace decode FILE` */
export function traceCommand(): Command {
  const trace = new Command('trace').description('traces of APDUs');
  const decode = trace
    .command('decode <file>')
    .description('a trace in words: ours, GlobalPlatformPro’s, pcscd’s or opensc-tool’s')
    .option('--show-secrets', 'show data of PUT KEY, STORE DATA and PIN commands', false)
    .option('--json', 'print JSON', false)
    .action(async (file: string, options: { json: boolean; showSecrets: boolean }) => {
      const lines = decodeTrace(new TextDecoder().decode(await readInput(file)), options.showSecrets);
      print(options.json ? lines : lines.map(({ direction, text }) => `${direction} ${text}`), options.json);
    });
  addExamples(decode, 'tsm trace', ['decode trace.txt', 'decode - < trace.txt']);
  return trace;
}
