// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { soaking } from '../../../setup/soak/runs.ts';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { readProducts } from '../../daemon/products.ts';
import { PeerError, StatusWordError } from '../../errors.ts';
import { TERMINAL_ID } from '../../lab/platforms.ts';
import { ProductDesk, PURSE_AID } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { developmentSsdAid } from '../../local/topology-plan.ts';
import { aid } from '../../wire/gp/aid.ts';
import { ifPresent, toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import {
  ContentChangeState,
  ContentTokenList,
  type ContentTokenRequest,
  EndedTokens,
  GrantedToken,
  ReceiptState,
  type StartContentChange,
} from '../../wire/message/content-change.ts';
import { SeenRegistry } from '../../wire/message/secure-elements.ts';
import {
  type CreateSecurityDomain,
  KeyBlob,
  SecurityDomainResource,
} from '../../wire/message/security-domain-resource.ts';
import type { Product } from '../../workflow/deploy-application/context.ts';
import { failure } from '../transport/framed-card.ts';
import { bringTransportKey, makeCardKeys, openKeyBlob, putOwnKeys, sessionOf, tablesOf } from './foreign-keys.ts';
import { ForeignTsm } from './foreign-tsm.ts';

/** Issuer and provider as daemons, with certificates of their own: the provider acts in its own domain by tokens. */

const ALL = ['create-security-domain', 'install-application', 'delegated-management'];
const SSD = developmentSsdAid('a');

describe('delegated management over REST', function () {
  this.timeout(240_000);
  let lab: SingleProviderLab;
  let inserted: InsertedCard;
  let product: Product;

  before(async () => {
    const cap = await buildPurseCap();
    const [found] = await readProducts([{ productId: 'transit', cap, instanceAid: PURSE_AID }]);
    if (found === undefined) expect.fail('there is no purse');
    product = found;
    lab = await SingleProviderLab.open({
      link: 'direct',
      keySizeBits: 1024,
      readers: 2,
      provider: ProductDesk.config(cap),
    });
    await lab.platforms.registerProvider('a', ALL);
    inserted = await lab.insert();
    const { outcome, problem } = await lab.distribute(inserted);
    expect(outcome, JSON.stringify(problem)).to.equal('distributed');
  });
  after(async () => {
    await inserted?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const load = () => ({ act: 'load', loadFileAid: product.loadFileAid, loadFile: product.loadFile }) as const;
  const install = () => {
    const { loadFileAid, moduleAid, instanceAid } = product;
    return { act: 'install', loadFileAid, moduleAid, instanceAid, parameters: '8001A1' } as const;
  };
  const remove = () => ({ act: 'delete', aid: product.loadFileAid, related: true }) as const;

  async function change(act: StartContentChange['act'], readerName = inserted.readerName): Promise<ContentChangeState> {
    const client = await lab.platforms.client('provider-a');
    const call = { idempotencyKey: randomUUID(), body: { terminalId: TERMINAL_ID, readerName, act } };
    const path = '/v1/content-changes';
    let state = await client.call({ method: 'POST', path, ...call, response: ContentChangeState });
    while (state.state === 'running') {
      const query = { waitMs: 20_000, afterStep: state.steps.length };
      const poll = { method: 'GET', path: `${path}/${state.id}`, query, response: ContentChangeState } as const;
      state = await client.call({ ...poll, timeoutMs: 35_000 });
    }
    return state;
  }

  async function confirmed(act: StartContentChange['act']): Promise<ContentChangeState & { counter: number }> {
    const state = await change(act);
    expect(state.receipt?.state, JSON.stringify(state.problem)).to.equal('confirmed');
    return { ...state, counter: state.receipt?.counter ?? -1 };
  }

  async function onCard(): Promise<ContentTokenList> {
    const issuer = await lab.platforms.client('issuer');
    const { kind, value } = inserted.cardId;
    return issuer.call({
      method: 'GET',
      path: `/v1/cards/${kind}/${value}/content-tokens`,
      response: ContentTokenList,
    });
  }

  /** The provider itself, or another one, without its daemon. */
  const asProvider = (id = 'a') => lab.platforms.topology.client({ role: 'provider', id }, 'issuer');

  async function grant(act: ContentTokenRequest['act'], more: Partial<ContentTokenRequest> = {}, id = 'a') {
    const body: ContentTokenRequest = { cardId: inserted.cardId, ssdAid: SSD, act, ...more };
    const call = { method: 'POST', path: '/v1/content-tokens', idempotencyKey: randomUUID(), body } as const;
    return (await asProvider(id)).call({ ...call, response: GrantedToken });
  }

  async function report(tokenId: string, confirmation?: string, id = 'a'): Promise<ReceiptState> {
    const body = confirmation === undefined ? {} : { confirmation };
    const path = `/v1/content-tokens/${tokenId}/receipt`;
    return (await asProvider(id)).call({ method: 'POST', path, body, response: ReceiptState });
  }

  async function refusal(work: Promise<unknown>): Promise<string> {
    const error = await failure(work);
    expect(error).to.be.instanceOf(PeerError);
    return `${(error as PeerError).context.status} ${(error as PeerError).code}`;
  }

  it('loads and installs in a domain by the issuer’s tokens, and the receipts are checked', async () => {
    const loaded = await confirmed(load());
    const installed = await confirmed(install());
    expect(installed.counter).to.equal(loaded.counter + 1);
    const { tokens, missing } = await onCard();
    expect(tokens.map(({ act, state, counter }) => [act.act, state, counter])).to.deep.equal([
      ['load', 'confirmed', loaded.counter],
      ['install', 'confirmed', installed.counter],
    ]);
    expect(missing).to.deep.equal([]);
    const issuer = await lab.platforms.client('issuer');
    const path = `/v1/secure-elements/${inserted.cardId.value}/registry`;
    const { entries } = await issuer.call({ method: 'GET', path, response: SeenRegistry });
    const { loadFileAid, instanceAid } = product;
    expect(entries.find(({ aid }) => aid === instanceAid)).to.deep.include({
      loadFile: loadFileAid,
      securityDomain: SSD,
    });
    expect(entries.find(({ kind }) => kind === 'load-file')).to.deep.include({ aid: loadFileAid });
  });

  it('personalises what came so', async () => {
    const desk = new ProductDesk(lab.platforms, 'a');
    await desk.register();
    const { state, problem } = await desk.deploy(inserted);
    expect([state, problem]).to.deep.equal(['done', undefined]);
  });

  it('takes a receipt once, for its token, from its provider, and none that is not the card’s', async () => {
    await confirmed(remove());
    const first = await confirmed(load());
    const confirmation = first.confirmation ?? '';
    expect(await report(first.tokenId ?? '', confirmation)).to.deep.equal({
      state: 'confirmed',
      counter: first.counter,
    });
    const { act } = (await onCard()).tokens.at(-1) ?? expect.fail('no token');
    const again = await grant(act);
    expect(await refusal(report(again.tokenId, confirmation))).to.equal('409 receipt-replayed');
    const flipped = (at: number) =>
      confirmation.slice(0, at) + (confirmation[at] === '0' ? '1' : '0') + confirmation.slice(at + 1);
    // Receipt, counter, and the numbers of the card; then one without its end, and no confirmation at all.
    const wrong = [
      flipped(4),
      flipped(41),
      flipped(46),
      flipped(confirmation.length - 1),
      confirmation.slice(0, -2),
      '7F',
    ];
    for (const forged of wrong)
      expect(await refusal(report(again.tokenId, forged)), forged).to.equal('409 receipt-wrong');
    expect(await refusal(report(first.tokenId ?? '', flipped(4)))).to.equal('409 token-used');
    expect(await refusal(report(again.tokenId, confirmation, 'b'))).to.equal('404 no-such-token');
    const other = await grant(remove());
    expect(await refusal(report(other.tokenId, confirmation))).to.equal('409 receipt-wrong');
    expect(await report(other.tokenId)).to.deep.equal({ state: 'unproved' });
  });

  it('gives no token without permission, for another’s domain or name, or a card that is lost', async () => {
    const { act } = (await onCard()).tokens[0] ?? expect.fail('no token');
    expect(await refusal(grant(act, {}, 'b'))).to.equal('403 provider-not-permitted');
    expect(await refusal(grant(act, { ssdAid: 'A000000151000000' }))).to.equal('403 domain-not-delegated');
    const unknown = { kind: 'iccid', value: '89869999999999999999' } as const;
    expect(await refusal(grant(act, { cardId: unknown }))).to.equal('403 domain-not-delegated');
    expect(await refusal(grant({ ...install(), instanceAid: SSD }))).to.equal('403 aid-reserved');
    const away = { act: 'extradite', aid: PURSE_AID, to: 'A000000151000000' } as const;
    expect(await refusal(grant(away))).to.equal('403 aid-not-registered');
    const desk = new ProductDesk(lab.platforms, 'a');
    const { id } = await desk.reportLoss(inserted.cardId);
    expect(await refusal(grant(act))).to.equal('403 card-reported');
    const state = await change(install());
    expect([state.state, state.problem?.type, state.problem?.numeral]).to.deep.equal([
      ...['failed', 'urn:opentsm:problem:card-reported', 'C2'],
    ]);
    await desk.found(id);
  });

  it('knows which receipt is missing when the card’s answer was lost', async () => {
    const { steps, counter } = await confirmed(remove());
    const apdus = steps.reduce((sum, step) => sum + step.apdus, 0);
    await confirmed(load());
    // DELETE is the last APDU of its flow: it is done, and the terminal never hears of it.
    await inserted.card.cutPower({ afterApdus: apdus - 1, when: 'before-response' });
    const cut = await change(remove());
    expect([cut.receipt, cut.problem]).to.deep.equal([{ state: 'unproved' }, undefined]);
    expect((await onCard()).missing).to.deep.equal([]);
    await confirmed(load());
    const { tokens, missing } = await onCard();
    expect(missing).to.deep.equal([counter + 2]);
    expect(tokens.filter(({ tokenId }) => tokenId === cut.tokenId).map(({ state }) => state)).to.deep.equal([
      'unproved',
    ]);
  });

  it('makes no delegated domain for a provider without the permission', async () => {
    await lab.platforms.registerProvider('a', ALL.slice(0, 2));
    await using plain = await lab.insert(1);
    expect((await lab.distribute(plain)).outcome).to.equal('distributed');
    await lab.platforms.registerProvider('a', ALL);
    const state = await change(load(), plain.readerName);
    expect(state.problem?.type).to.equal('urn:opentsm:problem:domain-not-delegated');
  });

  it('gives a TSM of others a domain as a resource, which no other one sees', async () => {
    const { platforms } = lab;
    await using other = await lab.insert(1);
    await using foreign = await ForeignTsm.start(platforms, 'foreign', other.card, ALL.slice(0, 1));
    await using stranger = await ForeignTsm.start(platforms, 'stranger', other.card, []);
    const ask = (by: ForeignTsm, more: Partial<CreateSecurityDomain> = {}, key?: string) =>
      by.ask(other.cardId, more, key);
    expect(await refusal(ask(stranger))).to.equal('403 provider-not-permitted');
    expect(await refusal(ask(foreign, { sdAid: SSD }))).to.equal('403 aid-not-registered');
    const nobodys = { ...other.cardId, value: '8986999999999999999' };
    expect(await refusal(foreign.ask(nobodys, {}))).to.equal('404 card-unknown');

    const key = randomUUID();
    const { id } = await ask(foreign, {}, key);
    const path = `/ext/1/security-domains/${id}`;
    const domain = await foreign.settled(id);
    expect(domain, JSON.stringify(domain)).to.deep.equal({ id, state: 'KEYED' });
    expect((await ask(foreign, {}, key)).id, 'the same key, the same domain').to.equal(id);

    const rotate = {
      method: 'POST',
      path: `${path}/rotation-confirmations`,
      response: SecurityDomainResource,
    } as const;
    const blob = { method: 'GET', path: `${path}/key-blob`, response: KeyBlob } as const;
    expect(await refusal(foreign.issuer.call(rotate))).to.equal('409 security-domain-state');
    for (const attempt of [stranger.issuer.call(rotate), stranger.issuer.call(blob)])
      expect(await refusal(attempt)).to.equal('404 no-such-security-domain');
    expect(await refusal(stranger.look(id))).to.equal('404 no-such-security-domain');
    const operator = await platforms.client('issuer');
    expect(await refusal(operator.call(blob))).to.equal('403 access-denied');
    const pulled = await foreign.issuer.call(blob);
    if (!('publicKey' in pulled)) expect.fail('these are no pulled keys');
    const { ssdAid, publicKey } = pulled;
    expect([ssdAid, publicKey.modulus.length]).to.deep.equal([foreign.ssdAid, 256]);
    expect(await refusal(foreign.issuer.call(blob))).to.equal('409 key-blob-taken');
    expect((await foreign.look(id)).state).to.equal('HANDED_OVER');
    expect((await foreign.issuer.call(rotate)).state).to.equal('ROTATED');
    expect((await foreign.issuer.call(rotate)).state).to.equal('ROTATED');

    // The card is in its owner's hand: he sends APDUs himself, and the issuer deletes through him.
    const commands = [ifPresent(getData(DATA_OBJECT.KEY_INFORMATION))];
    expect(await refusal(foreign.exchange(id, { commands }))).to.equal('409 own-relay');
    expect(await refusal(stranger.remove(id))).to.equal('404 no-such-security-domain');
    await foreign.remove(id);
    expect((await foreign.settled(id)).state).to.equal('DELETED');
    expect(await refusal(foreign.issuer.call(rotate))).to.equal('409 security-domain-state');
  });

  it('takes the scripts of a TSM of others to its own domain alone, and deletes it at its word', async () => {
    const { platforms } = lab;
    await using other = await lab.insert(1);
    await using foreign = await ForeignTsm.start(platforms, 'foreign', other.card, ALL.slice(0, 1));
    await using stranger = await ForeignTsm.start(platforms, 'stranger', other.card, []);
    const transport = { kind: 'ota', terminalId: TERMINAL_ID, readerName: other.readerName } as const;
    const look = ifPresent(getData(DATA_OBJECT.KEY_INFORMATION));

    // Never made: its owner has no such relay.
    const missed = await foreign.ask(inserted.cardId, { transport: { kind: 'relay', relayId: 'no-such-relay' } });
    expect((await foreign.settled(missed.id)).state).to.equal('FAILED');
    expect(await refusal(foreign.exchange(missed.id, { commands: [look] }))).to.equal('409 security-domain-state');
    expect(await refusal(foreign.remove(missed.id))).to.equal('409 security-domain-state');

    const { id } = await foreign.ask(other.cardId, { transport });
    const made = await foreign.settled(id);
    expect(made, JSON.stringify(made)).to.deep.equal({ id, state: 'KEYED' });
    const first = await foreign.exchange(id, { commands: [look] });
    expect([first.responses.map(({ sw }) => sw), first.cost.roundTrips]).to.deep.equal([['9000'], 1]);
    const { fence } = first;
    expect(await foreign.exchange(id, { commands: [look], fence })).to.deep.include({
      fence,
      responses: first.responses,
    });
    expect(await refusal(stranger.exchange(id, { commands: [look] }))).to.equal('404 no-such-security-domain');
    for (const stale of [fence + 1, fence - 1])
      expect(await refusal(foreign.exchange(id, { commands: [look], fence: Math.max(1, stale) }))).to.equal(
        '409 stale-fence',
      );
    const apdus = ['00A4040000', `00A404000D${stranger.ssdAid}`, '0070000001', '01CA00E000'];
    for (const apdu of apdus) {
      const commands = [look, { label: 'attack', apdus: [apdu] }];
      expect(await refusal(foreign.exchange(id, { commands, fence })), apdu).to.match(
        /^403 (apdu|select)-not-permitted$/,
      );
    }
    const many = Array.from({ length: 65 }, () => look);
    expect(await refusal(foreign.exchange(id, { commands: many, fence }))).to.equal('400 invalid-request');
    // The card is given back, and so the session is over.
    await foreign.exchange(id, { commands: [look], fence, last: true });
    expect(await refusal(foreign.exchange(id, { commands: [look], fence }))).to.equal('409 stale-fence');
    const { fence: next } = await foreign.exchange(id, { commands: [look] });
    expect(next).to.be.above(fence);

    expect(await refusal(stranger.remove(id))).to.equal('404 no-such-security-domain');
    await foreign.remove(id);
    const proof = { statusWord: '9000', confirmation: '00', absent: true };
    expect(await foreign.settled(id)).to.deep.equal({ id, state: 'DELETED', deletion: { state: 'done', proof } });
    expect((await foreign.remove(id)).state, 'asked for again').to.equal('DELETED');
    expect(await refusal(foreign.exchange(id, { commands: [look] }))).to.equal('409 security-domain-state');
    const [chosen = ''] = toCardCommand(select(aid(foreign.ssdAid))).apdus;
    expect(toHex(await other.card.transmit(fromHex(chosen, 300)))).to.equal('6A82');
  });

  it('deletes what a request that failed behind INSTALL left on the card, nothing that another one made', async () => {
    const { platforms } = lab;
    await using other = await lab.insert(1);
    await using foreign = await ForeignTsm.start(platforms, 'foreign', other.card, ALL.slice(0, 1));
    let installed = 0;
    // The card made the domain, and whoever carries its answers lies about what comes behind.
    const lie: NonNullable<typeof foreign.between.answers> = (commands, responses) => {
      const at = commands.findIndex(({ label }) => label.includes('GENERATE'));
      installed += commands.filter(({ label }) => label.includes('INSTALL')).length;
      return responses.map((response, index) => (index === at ? { data: '', sw: '6F00' } : response));
    };
    const onCard = async () => {
      const [chosen = ''] = toCardCommand(select(aid(foreign.ssdAid))).apdus;
      return toHex(await other.card.transmit(fromHex(chosen, 300)));
    };
    foreign.between.answers = lie;
    const { id } = await foreign.ask(other.cardId, {});
    expect((await foreign.settled(id)).state).to.equal('FAILED');
    expect(installed).to.be.above(0);
    expect(await onCard()).to.not.equal('6A82');
    expect(await refusal(foreign.keyBlob(id))).to.equal('409 security-domain-state');
    delete foreign.between.answers;
    await foreign.remove(id);
    const gone = await foreign.settled(id);
    expect(gone, JSON.stringify(gone)).to.include({ id, state: 'DELETED' });
    expect(gone.deletion?.proof).to.include({ statusWord: '9000', absent: true });
    expect(await onCard()).to.equal('6A82');

    // Made by one request, and found by another one that fails: that one is cleared away, the domain stays.
    const { id: first } = await foreign.ask(other.cardId, {});
    expect((await foreign.settled(first)).state).to.equal('KEYED');
    foreign.between.answers = lie;
    const { id: second } = await foreign.ask(other.cardId, {});
    expect((await foreign.settled(second)).state).to.equal('FAILED');
    delete foreign.between.answers;
    expect(await refusal(foreign.remove(second))).to.equal('409 security-domain-state');
    expect(await onCard()).to.not.equal('6A82');
    await foreign.remove(first);
    expect((await foreign.settled(first)).state).to.equal('DELETED');
  });

  it('ends tokens at an operator’s word, and signs none of them anew', async () => {
    const { kind, value } = inserted.cardId;
    const call = { method: 'POST', path: `/v1/cards/${kind}/${value}/content-tokens/end` } as const;
    const body = { reason: 'another token key' };
    expect(await refusal((await asProvider()).call({ ...call, body, response: EndedTokens }))).to.match(/^403 /);
    const issuer = await lab.platforms.client('issuer');
    const { tokens } = await onCard();
    expect((await issuer.call({ ...call, body, response: EndedTokens })).ended).to.equal(tokens.length);
    expect((await onCard()).tokens.every(({ ended }) => ended === true)).to.equal(true);
    expect((await issuer.call({ ...call, body, response: EndedTokens })).ended).to.equal(0);
  });

  it('gives a TSM without a CA its first keys under its transport key, and it replaces them', async () => {
    const { platforms } = lab;
    await using other = await lab.insert(1);
    await using foreign = await ForeignTsm.start(platforms, 'foreign', other.card, ALL);
    const transport = await bringTransportKey(platforms, 'tsm.foreign', 'foreign');
    await bringTransportKey(platforms, 'tsm.stranger', 'stranger');
    await makeCardKeys(platforms);
    const keyed = (keyIndex: string, more: Partial<CreateSecurityDomain> = {}) =>
      foreign.ask(other.cardId, {
        keyProvisioning: { mode: 'INITIAL_KEYS_THEN_ROTATE', keyIndex },
        transport: { kind: 'ota' },
        ...more,
      });
    for (const privilege of ['card-lock', 'delegated-management'] as const)
      expect(await refusal(keyed('tsm.foreign', { privileges: [privilege] }))).to.equal('403 privilege-not-permitted');
    if (soaking) {
      const tooMuch = await foreign.settled(
        (await keyed('tsm.foreign', { memory: { nonVolatileQuota: 0x7fff_ffff } })).id,
      );
      expect(tooMuch.error?.problem.type).to.equal('urn:opentsm:problem:status-word');
    }
    for (const [keyIndex, code] of [
      ['tsm.stranger', 'key-owner'],
      ['tsm.nobody', 'no-such-key'],
    ] as const)
      expect(await refusal(keyed(keyIndex))).to.equal(`403 ${code}`);

    const wished = { privileges: ['dap-verification'] as const, memory: { nonVolatileQuota: 20_000 } };
    const { id } = await keyed('tsm.foreign', { privileges: [...wished.privileges], memory: wished.memory });
    const made = await foreign.settled(id);
    expect(made, JSON.stringify(made)).to.deep.equal({ id, state: 'KEYED' });
    const blob = await foreign.keyBlob(id);
    if (!('keyBlocks' in blob)) expect.fail('these are no initial keys');
    expect(await refusal(foreign.keyBlob(id))).to.equal('409 key-blob-taken');
    // Nowhere at the issuer is what would give them a second time, nor the issuer's own copy.
    const url = platforms.topology.databaseUrl('issuer') ?? expect.fail('no database');
    const left = await tablesOf(url, ['workflows', 'security_domain_requests']);
    expect(left).to.include(id).and.not.include(blob.keyBlocks.enc).and.not.include('keyBlocks');
    expect(left).to.not.include('"stored"');
    const initial = openKeyBlob(transport, blob);
    expect(blob.checkValues.enc).to.equal(toHex(aesKeyCheckValue(initial[0] ?? new Uint8Array())));
    const session = await sessionOf(foreign, id, initial, 0x30);
    const own = await putOwnKeys(session, '31');
    expect((await foreign.look(id)).state).to.equal('HANDED_OVER');
    await sessionOf(foreign, id, own, 0x31);
    const dead = await sessionOf(foreign, id, initial, 0x30).catch((error: unknown) => error);
    expect(dead).to.be.instanceOf(StatusWordError).with.nested.property('context.sw', '6A88');
    if (soaking) {
      const again = await foreign.settled((await keyed('tsm.foreign')).id);
      expect(again.state, 'the owner’s domain takes nothing of the issuer').to.equal('FAILED');
    }
  });
});
