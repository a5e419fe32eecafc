// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { TransportError } from '../../errors.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { cardIdText } from '../../store/card-id.ts';
import { putProduct } from '../../store/issuer/card-products.ts';
import { isVouchedFor, recordLoaded } from '../../store/issuer/load-files.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { findDeployed, setApplications } from '../../store/provider/service-processes.ts';
import { aid } from '../../wire/gp/aid.ts';
import { installForLoad } from '../../wire/gp/install.ts';
import { encodeLoadFile, loadCommands } from '../../wire/gp/load.ts';
import { fromHex } from '../../wire/hex.ts';
import { INSTANCE_STATE as S } from '../../wire/message/platform.ts';
import type { Instance, Operation, Process } from '../../wire/message/service-instance.ts';
import { checkInstallPermission } from '../../workflow/deploy-application/check-install-permission.ts';
import type { InstallContext } from '../../workflow/deploy-application/context.ts';
import { handOn } from '../attack/issuer-hand.ts';
import { type InProcess, SSD_AID } from './in-process.ts';
import { PURSE_AID } from './product-world.ts';
import { PURSE_SCRIPT } from './purse-script.ts';
import { type Permission, permitProvider, ServiceDesk } from './service-desk.ts';
import { sharedProducts } from './shared-products.ts';

const READER = 'planted files';
const ALL: Operation = { operation: 'deploy', commands: ['I', 'A'], finalize: true };
const END: Operation = { operation: 'termination' };
const CONTENT = /^(DELETE|INSTALL \[for (load|install))/;
const VICTIM = { providerId: 'victim', ssdAid: 'F06F70656E74736D1001020399', productId: 'of the victim' };
/** The code of another upload. */
const OTHER = 'AB'.repeat(40);

const PERMISSIONS: readonly Permission[] = ['create-security-domain', 'install-application'];

/** Provider a is the attacker, or has what a release before brought: nobody gets code that nobody knows. */
describe('load files that a card has already', function () {
  this.timeout(240_000);
  let world: InProcess;
  let desk: ServiceDesk;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let instance: Instance;
  let libraryId: string;
  /** Of the service. */
  let loadFileAid: string;

  const permit = (permissions: readonly Permission[]) => permitProvider(world, permissions);

  before(async () => {
    world = await sharedProducts();
    await permit([...PERMISSIONS, 'delegated-management']);
    desk = await ServiceDesk.open(world);
    card = await world.insertMade(READER);
    expect((await world.distribute(READER)).outcome).to.equal('distributed');
    await permit(PERMISSIONS);
    const { providerId, ssdAid, productId } = VICTIM;
    await putProvider(world.issuer.database, {
      providerId,
      baseUrl: 'https://victim',
      permissions: PERMISSIONS,
      aids: [ssdAid],
    });
    await putProduct(world.issuer.database, productId, providerId);
    libraryId = await desk.addLibrary();
    await desk.addVersion('2.0.0', [libraryId, desk.elfId], desk.configId);
    const cap = new Uint8Array(await readFile(await buildPurseCap()));
    const newer = await desk.made('createElfAndUploadBinary', { upload: { fileName: 'purse.cap', bytes: cap } });
    await desk.addVersion('3.0.0', newer, desk.configId);
  });
  after(() => permit(PERMISSIONS));

  const database = () => world.issuer.database;
  const row = () => ({ card: cardIdText(card.cardId) });
  const applications = () => database().updateTable('applications').where('card', '=', row().card);
  const forgetFiles = () => database().deleteFrom('load_files').where('card', '=', row().card).execute();
  const placed = async () =>
    (await findDeployed(world.provider.database, instance.serviceInstanceId))?.applications ?? [];
  const create = async (version: string) => {
    const asked = { serviceId: desk.serviceId, version, cards: [card.cardId] };
    instance = await world.products.services.instances.create(asked);
  };
  const run = (request: Operation) => desk.run(instance, READER, request);
  const codeOf = ({ problem }: Process) => problem?.type.replace('urn:opentsm:problem:', '');

  const ask = (act: Parameters<typeof world.products.contentTokens.grant>[2]['act']) =>
    world.products.contentTokens.grant(randomUUID(), 'a', { cardId: card.cardId, ssdAid: SSD_AID, act });

  /** What changes the content of the card meanwhile. */
  async function changes(act: () => Promise<Process>, expected?: string): Promise<string[]> {
    const from = card.seat.sent.length;
    const process = await act();
    expect(codeOf(process), JSON.stringify(process.problem)).to.equal(expected);
    const labels = card.seat.sent.slice(from).map(({ label }) => label);
    return labels.filter((label) => CONTENT.test(label)).sort();
  }

  /** D3 for a provider that wants a file of its own under this name. */
  async function victims(loadFileAid: string): Promise<string> {
    const { providerId: caller, ssdAid, productId } = VICTIM;
    const request = {
      cardId: card.cardId,
      ssdAid,
      productId,
      loadFileAid,
      loadFile: OTHER,
      relayId: 'relay-of-it',
      moduleAid: 'F00102030499',
      instanceAid: 'F0010203049901',
      parameters: '',
    };
    const { settings } = world.issuer;
    return checkInstallPermission({ request, caller }, { database: database(), settings } as InstallContext).then(
      () => 'permitted',
      (error) => Object(error).code,
    );
  }

  it('of a release before are loaded anew by an update, and not taken for the new ones', async () => {
    await create('1.0.0');
    await changes(() => run(ALL));
    await applications().set({ load_file_aid: null, load_file_hash: null, libraries: null }).execute();
    await forgetFiles();
    const update: Operation = { operation: 'update', version: '3.0.0', commands: ['I', 'A'], finalize: true };
    const sent = await changes(() => run(update));
    expect(sent).to.deep.equal([...['DELETE', 'DELETE', 'INSTALL [for install]', 'INSTALL [for load]']]);
    loadFileAid = (await placed())[0]?.loadFileAid ?? expect.fail('nothing is placed');
    expect(await desk.selected(card.seat)).to.equal('9000');
  });

  it('are not used when nothing says what they are, unless the issuer has them from the card’s maker', async () => {
    // A database that is older than the card.
    await forgetFiles();
    await setApplications(world.provider.database, instance.serviceInstanceId, []);
    const rows = await database().selectFrom('applications').selectAll().where('card', '=', row().card).execute();
    const own = rows.find(({ aid }) => aid === PURSE_AID);
    await database().deleteFrom('applications').where('card', '=', row().card).where('aid', '=', PURSE_AID).execute();
    const second = 'F06F70656E74736D5007';
    const other = await ServiceDesk.open(world, PURSE_SCRIPT, { instanceAid: second });
    const wanted = await other.create(card.cardId);
    const deploy = () => other.run(wanted, READER, ALL);
    expect(await changes(deploy, 'load-file-unknown')).to.deep.equal([]);
    expect((await other.get(wanted)).state, 'nothing was changed').to.equal(S.NOT_DEPLOYED);
    Object.assign(world.issuer.settings, { preloaded: [{ loadFileAids: [loadFileAid] }] });
    expect(await changes(deploy)).to.deep.equal(['INSTALL [for install]']);
    expect(await changes(() => other.run(wanted, READER, END)), 'the maker’s stays').to.deep.equal(['DELETE']);
    Object.assign(world.issuer.settings, { preloaded: [] });
    // The card says what it is made of, and so it goes.
    await database()
      .insertInto('applications')
      .values({ ...(own ?? expect.fail()), load_file_aid: null, load_file_hash: null, libraries: null })
      .execute();
    const plain = { loadFileAid, instanceAid: PURSE_AID, moduleAid: PURSE_AID, elfId: desk.elfId, parameters: '' };
    await setApplications(world.provider.database, instance.serviceInstanceId, [
      { ...plain, uploadDate: '', personalized: false },
    ]);
    expect(await changes(() => run(END))).to.deep.equal(['DELETE', 'DELETE']);
  });

  it('leave with what they came with, whatever the removal does not name', async () => {
    await create('2.0.0');
    await changes(() => run(ALL));
    const own = await placed();
    const library = own[0]?.libraries?.[0]?.loadFileAid ?? expect.fail('no library');
    expect(await victims(library)).to.equal('load-file-taken');
    const there = database().selectFrom('load_files').selectAll().where('card', '=', row().card);
    const known = await there.where('aid', '=', library).execute();
    await database().deleteFrom('load_files').where('card', '=', row().card).where('aid', '=', library).execute();
    const again: Operation = { operation: 'update', version: '2.0.0', commands: ['I', 'A'], finalize: true };
    expect(await changes(() => run(again), 'load-file-unknown'), 'nor is a library used').to.deep.equal([]);
    await database().insertInto('load_files').values(known).execute();
    const silent = own.map(({ libraries: _unnamed, ...application }) => application);
    await setApplications(world.provider.database, instance.serviceInstanceId, silent);
    expect(await changes(() => run(END))).to.deep.equal(['DELETE', 'DELETE', 'DELETE']);
    expect(await victims(library)).to.equal('permitted');
  });

  it('from the card’s maker are nobody’s to load, by a token or by the issuer', async () => {
    Object.assign(world.issuer.settings, { preloaded: [{ loadFileAids: [loadFileAid] }] });
    await create('1.0.0');
    expect(await changes(() => run(ALL), 'aid-reserved'), 'a card that has it not').to.deep.equal([]);
    expect((await desk.get(instance)).state, 'nothing was changed').to.equal(S.NOT_DEPLOYED);
    await permit([...PERMISSIONS, 'delegated-management']);
    const refused = await ask({ act: 'load', loadFileAid, hash: '0E'.repeat(32) }).catch((error) => error);
    expect(refused.code).to.equal('aid-reserved');
    await permit(PERMISSIONS);
    Object.assign(world.issuer.settings, { preloaded: [] });
    expect(await changes(() => run(ALL))).to.deep.equal(['INSTALL [for install]', 'INSTALL [for load]']);
  });

  it('that the card keeps for another application stay their provider’s, and go with that one', async () => {
    const other = await ServiceDesk.open(world, PURSE_SCRIPT, { instanceAid: 'F06F70656E74736D5008' });
    const second = await other.create(card.cardId);
    const own = await placed();
    // As if both were of one service provider, and one upload.
    await setApplications(world.provider.database, instance.serviceInstanceId, []);
    expect(await changes(() => other.run(second, READER, ALL))).to.deep.equal(['INSTALL [for install]']);
    await setApplications(world.provider.database, instance.serviceInstanceId, own);
    expect(await changes(() => run(END)), 'the file is asked for and kept').to.deep.equal(['DELETE', 'DELETE']);
    expect(await victims(loadFileAid)).to.equal('load-file-taken');
    expect(await changes(() => other.run(second, READER, END))).to.deep.equal(['DELETE', 'DELETE']);
    expect(await victims(loadFileAid)).to.equal('permitted');
  });

  it('are another’s from the first token on, until the card has proved that they are gone', async () => {
    await permit([...PERMISSIONS, 'delegated-management']);
    const name = 'F06F70656E74736D5055';
    const install = { act: 'install', loadFileAid: name, moduleAid: 'F06F70656E74736D505501', parameters: '' } as const;
    const early = await ask({ ...install, instanceAid: 'F06F70656E74736D505502' }).catch((error) => error);
    expect(early.code, 'of what it did not bring').to.equal('load-file-unknown');
    expect(await victims(name)).to.equal('permitted');
    const { tokenId } = await ask({ act: 'load', loadFileAid: name, hash: '0E'.repeat(32) });
    expect(await victims(name), 'by a load token').to.equal('load-file-taken');
    await world.products.contentTokens.report(tokenId, 'a', {});
    const removal = await ask({ act: 'delete', aid: name, related: false });
    await world.products.contentTokens.report(removal.tokenId, 'a', {});
    expect(await victims(name), 'by its word').to.equal('load-file-taken');
    // A token that was not given is none: the name is not in doubt for it.
    const [other, hash] = ['F06F70656E74736D5056', '0E'.repeat(32)];
    const whose = { cardId: card.cardId, providerId: 'a' };
    await ask({ act: 'load', loadFileAid: other, hash });
    await recordLoaded(database(), { ...whose, files: [{ aid: other, hash }] });
    const second = await ask({ act: 'load', loadFileAid: other, hash: '0F'.repeat(32) }).catch((error) => error);
    expect(second.code).to.equal('load-file-taken');
    const asVictim = { ...whose, providerId: VICTIM.providerId };
    expect(await isVouchedFor(database(), asVictim, { aid: other, hash })).to.equal(true);
    await permit(PERMISSIONS);
  });

  it('are no reason to call a card unchanged that an earlier try had begun with', async () => {
    const other = await ServiceDesk.open(world, PURSE_SCRIPT, { instanceAid: 'F06F70656E74736D5009' });
    const wanted = await other.create(card.cardId);
    const { loadFile } = world.products.product;
    world.between.beforeTrip = async (commands, seat) => {
      if (seat !== card.seat || !commands.some(({ label }) => label.startsWith('LOAD ['))) return;
      delete world.between.beforeTrip;
      const channel = await (await handOn(world, card)).openIsd();
      const blocks = loadCommands(encodeLoadFile(fromHex(loadFile)), 223);
      for (const command of [installForLoad({ loadFile: aid(loadFileAid) }), ...blocks])
        expect((await channel.send(command)).sw).to.equal('9000');
      await database().updateTable('load_files').set({ state: 'unsure' }).where('card', '=', row().card).execute();
      throw new TransportError('link-lost', 'The phone has left');
    };
    const failed = await other.run(wanted, READER, ALL);
    expect(codeOf(failed), JSON.stringify(failed.problem)).to.equal('load-file-unknown');
    expect((await other.get(wanted)).state).to.equal(S.IN_ERROR);
    await database().updateTable('load_files').set({ state: 'sent' }).where('card', '=', row().card).execute();
    expect(codeOf(await other.run(wanted, READER, END))).to.equal(undefined);
    expect(codeOf(await other.run(await other.create(card.cardId), READER, ALL))).to.equal(undefined);
  });
});
