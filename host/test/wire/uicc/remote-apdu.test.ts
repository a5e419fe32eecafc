// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeCommand } from '../../../wire/apdu.ts';
import { fromHex, toHex } from '../../../wire/hex.ts';
import { statusWord, statusWordFromHex } from '../../../wire/status-word.ts';
import {
  decodeCompactResponse,
  decodeCompactScript,
  encodeCompactResponse,
  encodeCompactScript,
  forCompactScript,
} from '../../../wire/uicc/compact-script.ts';
import {
  decodeExpandedResponse,
  type ExpandedResponse,
  encodeExpandedResponse,
  type ResponseItem,
} from '../../../wire/uicc/expanded-response.ts';
import {
  CHAINING,
  chainScripts,
  decodeExpandedScript,
  type ExpandedScript,
  encodeExpandedScript,
  type ScriptItem,
} from '../../../wire/uicc/expanded-script.ts';
import type { TemplateForm } from '../../../wire/uicc/expanded-template.ts';
import { anyByte, anyBytes, checkCodec } from './codec-properties.ts';

interface Vectors {
  readonly scripts: readonly { name: string; bytes: string; apdu: string; form: TemplateForm }[];
  readonly responses: readonly { name: string; bytes: string; form: TemplateForm; executed?: number; sw: string }[];
  readonly compact: readonly {
    name: string;
    bytes: string;
    lengths: number[];
    response: string;
    executed: number;
    sw: string;
  }[];
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../vectors/uicc/remote-apdu.json', import.meta.url), 'utf8'),
);

const anyForm = fc.constantFrom<TemplateForm>('definite', 'indefinite');
const header = { cla: anyByte, p1: anyByte, p2: anyByte };
const anyApdu = fc.record(
  { ...header, ins: anyByte, data: anyBytes(0, 255), le: fc.integer({ min: 1, max: 256 }) },
  { requiredKeys: ['cla', 'ins', 'p1', 'p2', 'data'] },
);
const anyItem: fc.Arbitrary<ScriptItem> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('command' as const), apdu: anyApdu }) },
  fc.record({ kind: fc.constantFrom('immediate-action' as const, 'error-action' as const), value: anyBytes(0, 130) }),
);
const anyScript: fc.Arbitrary<ExpandedScript> = fc.record(
  { form: anyForm, chaining: fc.constantFrom(...Object.values(CHAINING)), items: fc.array(anyItem, { maxLength: 8 }) },
  { requiredKeys: ['form', 'items'] },
);
const anyResponseItem: fc.Arbitrary<ResponseItem> = fc.oneof(
  fc.record({ kind: fc.constant('response' as const), data: anyBytes(0, 256), sw: fc.nat(0xffff).map(statusWord) }),
  fc.record({ kind: fc.constant('immediate-action' as const), value: anyBytes(0, 130) }),
  fc.record({ kind: fc.constantFrom('chaining-error' as const, 'bad-format' as const), reason: anyByte }),
);
const anyResponse: fc.Arbitrary<ExpandedResponse> = fc
  .tuple(anyForm, anyByte, fc.array(anyResponseItem, { maxLength: 8 }))
  .map(([form, executed, items]) => (form === 'definite' ? { form, executed, items } : { form, items }));
const incoming = fc.record({ ...header, ins: fc.constantFrom(0xa4, 0xd6, 0xe6, 0xe8), data: anyBytes(0, 255) });
const outgoing = fc.record({
  ...header,
  ins: fc.constantFrom(0xb0, 0xc0, 0xca),
  data: anyBytes(0, 0),
  le: fc.integer({ min: 1, max: 256 }),
});
const anyCompact = fc
  .tuple(fc.array(incoming, { maxLength: 5 }), fc.option(outgoing, { nil: undefined }))
  .map(([commands, last]) => (last === undefined ? commands : [...commands, last]));

describe('remote APDU formats', () => {
  checkCodec({
    name: 'expanded script',
    values: anyScript,
    encode: encodeExpandedScript,
    decode: decodeExpandedScript,
  });
  checkCodec({
    name: 'expanded response',
    values: anyResponse,
    encode: encodeExpandedResponse,
    decode: decodeExpandedResponse,
  });
  checkCodec({
    name: 'compact script',
    values: anyCompact,
    encode: encodeCompactScript,
    decode: decodeCompactScript,
    // a list without its last commands is a list
    complete: () => true,
  });
  checkCodec({
    name: 'compact response',
    values: fc.record({ executed: anyByte, sw: fc.nat(0xffff).map(statusWord), data: anyBytes(0, 256) }),
    encode: encodeCompactResponse,
    decode: decodeCompactResponse,
    // the data that follow have no length of their own
    complete: ({ data }) => data.length > 0,
  });

  for (const { name, bytes, apdu, form } of vectors.scripts)
    it(`reads and writes the script: ${name}`, () => {
      const script: ExpandedScript = { form, items: [{ kind: 'command', apdu: decodeCommand(fromHex(apdu)) }] };
      expect(decodeExpandedScript(fromHex(bytes))).to.deep.equal(script);
      expect(toHex(encodeExpandedScript(script))).to.equal(bytes);
    });

  for (const { name, bytes, form, executed, sw } of vectors.responses)
    it(`reads and writes the response: ${name}`, () => {
      const items = [{ kind: 'response' as const, data: new Uint8Array(), sw: statusWordFromHex(sw) }];
      const response: ExpandedResponse = executed === undefined ? { form, items } : { form, executed, items };
      expect(decodeExpandedResponse(fromHex(bytes))).to.deep.equal(response);
      expect(toHex(encodeExpandedResponse(response))).to.equal(bytes);
    });

  for (const { name, bytes, lengths, response, executed, sw } of vectors.compact)
    it(`reads and writes the compact script: ${name}`, () => {
      const commands = decodeCompactScript(fromHex(bytes));
      expect(commands.map(({ data }) => data.length)).to.deep.equal(lengths);
      expect(toHex(encodeCompactScript(commands))).to.equal(bytes);
      const answer = decodeCompactResponse(fromHex(response));
      expect([answer.executed, answer.sw]).to.deep.equal([executed, statusWordFromHex(sw)]);
      expect(toHex(encodeCompactResponse(answer))).to.equal(response);
    });

  it('has what a command with data answers fetched by GET RESPONSE, by INS CB too', () => {
    const commands = forCompactScript([decodeCommand(fromHex('00CB5031025C0000'))]);
    expect(toHex(encodeCompactScript(commands))).to.equal('00CB5031025C0000C0000000');
  });

  it('has Le in P3 of STATUS for files, and GET STATUS of a domain fetched', () => {
    const status = [decodeCommand(fromHex('80F2000010'))];
    expect(toHex(encodeCompactScript(forCompactScript(status, 'files'), 'files'))).to.equal('80F2000010');
    expect(decodeCompactScript(fromHex('80F2000010'), 'files')).to.deep.equal(status);
    expect(toHex(encodeCompactScript(forCompactScript(status)))).to.equal('80F200000000C0000010');
  });

  it('takes A2 and A3 for 22 and 23', () => {
    const plain = decodeExpandedScript(fromHex('AA07220580E2900000'));
    expect(decodeExpandedScript(fromHex('AA07A20580E2900000'))).to.deep.equal(plain);
    expect(decodeExpandedResponse(fromHex('AF80A3026A880000'))).to.deep.equal(
      decodeExpandedResponse(fromHex('AF8023026A880000')),
    );
  });

  it('writes lengths over 7F as 81 LL', () => {
    const apdu = { cla: 0x80, ins: 0xe2, p1: 0, p2: 0, data: new Uint8Array(150) };
    const encoded = encodeExpandedScript({ form: 'definite', items: [{ kind: 'command', apdu }] });
    expect(toHex(encoded.slice(0, 6))).to.equal('AA819E22819B');
  });

  it('chains scripts that fit, in order and marked, and leaves a single one unmarked', () => {
    const maxBytes = 300;
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 12 }), anyForm, fc.boolean(), (items, form, keepOverReset) => {
        const scripts = chainScripts(items, { form, maxBytes, keepOverReset });
        expect(scripts.flatMap((script) => script.items)).to.deep.equal(items);
        for (const script of scripts) expect(encodeExpandedScript(script).length).to.be.at.most(maxBytes);
        const first = keepOverReset ? CHAINING.FIRST_KEPT_OVER_RESET : CHAINING.FIRST;
        const middle = scripts.slice(1, -1).map(() => CHAINING.MORE_FOLLOW);
        expect(scripts.map(({ chaining }) => chaining)).to.deep.equal(
          scripts.length === 1 ? [undefined] : [first, ...middle, CHAINING.LAST],
        );
      }),
    );
  });
});
