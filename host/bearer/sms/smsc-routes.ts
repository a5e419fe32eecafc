// SPDX-License-Identifier: Apache-2.0
import type { ProofWay } from '../../service/ota/packet-rules.ts';
import type { Lane } from '../../store/ota/packet-table.ts';
import { decodeSecurityParameters, encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import type { SmppMessage } from './smpp-pdu.ts';

/** Which SMSC the messages of a card go to: that of its group, else that of its number, else the server's own. */

export interface MessageNetwork {
  /** As `SmppLink.submit`. */
  submit(message: SmppMessage, leaving?: () => Promise<boolean>): Promise<string | undefined>;
  /** Nothing can leave now; absent where that is not known. */
  readonly isAway?: boolean;
  /** Calls back each time that it has come back. */
  onBack?(hear: () => void): void;
}

export interface SmscRoute {
  readonly network: MessageNetwork;
  /** The server's number there, to which cards answer. */
  readonly source: string;
  /** How cards prove receipt through this SMSC; absent: as the packet says. */
  readonly proof?: ProofWay;
}

export interface NamedRoute extends SmscRoute {
  readonly name: string;
  /** Beginnings of the numbers that it is for. */
  readonly prefixes: readonly string[];
}

export interface SmscRoutesOptions {
  readonly own: SmscRoute;
  readonly others?: readonly NamedRoute[];
  /** Name of a route by card group. */
  readonly groups?: ReadonlyMap<string, string>;
}

export class SmscRoutes {
  readonly #options: SmscRoutesOptions;

  constructor(options: SmscRoutesOptions) {
    this.#options = options;
  }

  /** Of each SMSC, when there are several: which cards are whose, as `of` has it. */
  get lanes(): readonly Lane[] {
    const { others = [], groups = new Map<string, string>() } = this.#options;
    const names = others.map(({ name }) => name);
    // Of two with the same prefix the first has the number.
    const firsts = new Map(others.toReversed().flatMap(({ name, prefixes }) => prefixes.map((one) => [one, name])));
    const whose = {
      groups: [...groups].filter(([, lane]) => names.includes(lane)).map(([group, lane]) => ({ group, lane })),
      prefixes: [...firsts].map(([prefix, lane]) => ({ prefix, lane })),
    };
    return names.length === 0 ? [] : ['', ...names].map((name) => ({ name, ...whose }));
  }

  /** Of a lane, by its name. */
  networkOf(name: string): MessageNetwork {
    const { own, others = [] } = this.#options;
    return (others.find((route) => route.name === name) ?? own).network;
  }

  /** @param msisdn international, without `+` */
  of(msisdn: string, group: string | null | undefined): SmscRoute {
    const { own, others = [], groups } = this.#options;
    const wanted = groups?.get(group ?? '');
    const named = wanted === undefined ? undefined : others.find(({ name }) => name === wanted);
    if (named !== undefined) return named;
    const matches = (route: NamedRoute) =>
      Math.max(0, ...route.prefixes.filter((prefix) => msisdn.startsWith(prefix)).map(({ length }) => length));
    const [best] = others.toSorted((a, b) => matches(b) - matches(a));
    return best !== undefined && matches(best) > 0 ? best : own;
  }
}

/** The security parameters of a packet with the proof of receipt that its route can bring. */
export function withProof(spi: Uint8Array, proof: ProofWay | undefined): Uint8Array {
  if (proof === undefined) return spi;
  const parameters = decodeSecurityParameters(spi);
  return encodeSecurityParameters({ ...parameters, proofBySubmit: proof === 'submit' });
}
