// SPDX-License-Identifier: Apache-2.0
import { aidToHex } from '../wire/gp/aid.ts';
import type { RegistryEntry } from '../wire/gp/get-status.ts';
import { encodePrivileges } from '../wire/gp/privilege.ts';
import { toHex } from '../wire/hex.ts';
import type { SeenEntry } from '../wire/message/secure-elements.ts';

/** An entry of GET STATUS as the issuer keeps it. */
export function seenEntryOf(kind: SeenEntry['kind'], entry: RegistryEntry): SeenEntry {
  const { aid, lifeCycle, privileges, loadFile, securityDomain, version } = entry;
  return {
    kind,
    aid: aidToHex(aid),
    lifeCycle,
    ...(privileges === undefined ? {} : { privileges: toHex(encodePrivileges(privileges)) }),
    ...(loadFile === undefined ? {} : { loadFile: aidToHex(loadFile) }),
    ...(securityDomain === undefined ? {} : { securityDomain: aidToHex(securityDomain) }),
    ...(version === undefined ? {} : { version }),
  };
}
