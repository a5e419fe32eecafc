// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { AID, aidToHex } from '../../host/wire/gp/aid.ts';
import {
  APPLICATION_STATE,
  CARD_STATE,
  LOAD_FILE_STATE,
  LOCKED,
  SECURITY_DOMAIN_STATE,
} from '../../host/wire/gp/life-cycle.ts';
import { PRIVILEGE } from '../../host/wire/gp/privilege.ts';

const source = (name: string): string =>
  readFileSync(new URL(`../java/src/main/java/org/opentsm/simulator/${name}.java`, import.meta.url), 'utf8');

/** Byte constants of a Java class, unsigned. */
function byteConstants(text: string): Record<string, number> {
  const found = text.matchAll(/static final byte (\w+) = (?:\(byte\) )?0x([0-9A-F]{2});/g);
  return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, Number.parseInt(value, 16)]));
}

describe("The simulator's numbers", () => {
  it("of privileges are the host's, in the order of GPCS Table 6-1", () => {
    const body = /enum Privilege \{([^;]*);/.exec(source('open/Privilege'))?.[1] ?? '';
    const names = [...body.matchAll(/\b[A-Z_]+\b/g)].map(([name]) => name);
    expect(names).to.deep.equal(Object.keys(PRIVILEGE));
    expect(names.map((_, number) => 0x800000 >> number)).to.deep.equal(Object.values(PRIVILEGE));
  });

  it("of life cycles are the host's", () => {
    const { LOADED } = byteConstants(source('open/RegistryEntry'));
    const { INSTALLED, SELECTABLE, PERSONALIZED, LOCKED_BIT, ...card } = byteConstants(source('open/LifeCycle'));
    expect(card).to.deep.equal(CARD_STATE);
    expect({ LOADED }).to.deep.equal(LOAD_FILE_STATE);
    expect({ INSTALLED, SELECTABLE }).to.deep.equal(APPLICATION_STATE);
    expect({ INSTALLED, SELECTABLE, PERSONALIZED }).to.deep.equal(SECURITY_DOMAIN_STATE);
    expect(LOCKED_BIT).to.equal(LOCKED);
  });

  it("of the domains' package and modules are the host's", () => {
    const open = source('open/Aids');
    const packageAid = /DOMAIN_PACKAGE = "([0-9A-F]+)"/.exec(open)?.[1] ?? '';
    const modules = [...open.matchAll(/_MODULE = DOMAIN_PACKAGE \+ "(\d\d)"/g)];
    expect(packageAid).to.equal(aidToHex(AID.SECURITY_DOMAIN_PACKAGE).toUpperCase());
    expect(modules.map(([, suffix = '']) => packageAid + suffix)).to.deep.equal(
      [
        AID.ISSUER_SECURITY_DOMAIN_MODULE,
        AID.SUPPLEMENTARY_SECURITY_DOMAIN_MODULE,
        AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN_MODULE,
      ].map((aid) => aidToHex(aid).toUpperCase()),
    );
  });
});
