// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../../errors.ts';
import { type DataAddress, TRANSPORT } from '../../../wire/uicc/cat-channel-values.ts';
import { type AnyCatObject, allValues, catObject, findValue } from '../../../wire/uicc/cat-object.ts';
import {
  DEVICE,
  isStandardType,
  missingObjects,
  notUnderstood,
  type ProactiveCommand,
  type ProactiveName,
  proactiveName,
} from '../../../wire/uicc/proactive-command.ts';
import type { SmsAddress } from '../../../wire/uicc/sms-address.ts';
import { packSubmit } from '../../../wire/uicc/sms-packing.ts';
import { BIP_CAUSE, RESULT, responseTo, type TerminalResponse } from '../../../wire/uicc/terminal-response.ts';
import type { CardTimers } from './card-timers.ts';
import type { Channels } from './channels.ts';
import { type LocalInformation, localObject } from './local-information.ts';

/** What a person at the handset would see, and the network that takes short messages. */
export interface HandsetUser {
  showText?(text: { readonly dcs: number; readonly text: Uint8Array }): void;
  /** Whatever the card asked for, with the general result that it is told. */
  asked?(command: ProactiveCommand, result: number): void;
  /** The card asks for its files to be read again. */
  refresh?(qualifier: number): void;
  /** Takes an SMS-SUBMIT; false when the network does not. Absent: there is no network. */
  sendShortMessage?(tpdu: Uint8Array, serviceCentre: SmsAddress | undefined): Promise<boolean>;
}

export interface ProactiveDeskOptions {
  readonly channels: Channels;
  readonly timers: CardTimers;
  readonly user: HandsetUser;
  readonly local: LocalInformation;
  /** STATUS every so often; undefined not at all. */
  readonly poll: (ms: number | undefined) => void;
}

type Handler = (command: ProactiveCommand) => TerminalResponse | Promise<TerminalResponse>;

const MAX_BUFFER = 1_500;
const IMMEDIATELY = 0x01;
const PACKED_BY_TERMINAL = 0x01;
const TIMERS = 8;
const TIMER = { START: 0x00, STOP: 0x01, LEFT: 0x02 } as const;
const UNIT_MS = [60_000, 1_000, 100] as const;
const SHORTEST_POLL_MS = 1_000;

const ok = (command: ProactiveCommand, objects: readonly AnyCatObject[] = []) =>
  responseTo(command, RESULT.OK, objects);
const refused = (command: ProactiveCommand, general: number) => responseTo(command, general);
const bipError = (command: ProactiveCommand, cause: number) =>
  responseTo(command, RESULT.BIP_ERROR, [], Uint8Array.of(cause));

/** Channel that a command is for: 1 to 7, other numbers are none. */
const channelOf = ({ destination }: ProactiveCommand): number => destination - DEVICE.CHANNEL_BASE;

/** Answers each command of a card: does it, or says why not. */
export class ProactiveDesk {
  readonly #options: ProactiveDeskOptions;
  readonly #handlers: Partial<Record<ProactiveName, Handler>>;

  constructor(options: ProactiveDeskOptions) {
    this.#options = options;
    const nobodyAnswers: Handler = (command) => refused(command, RESULT.NO_RESPONSE);
    this.#handlers = {
      moreTime: (command) => ok(command),
      playTone: (command) => ok(command),
      setUpMenu: (command) => ok(command),
      setUpIdleModeText: (command) => ok(command),
      getInkey: nobodyAnswers,
      getInput: nobodyAnswers,
      selectItem: nobodyAnswers,
      displayText: (command) => this.#displayText(command),
      refresh: (command) => this.#refresh(command),
      pollInterval: (command) => this.#pollInterval(command),
      pollingOff: (command) => this.#pollingOff(command),
      setUpEventList: (command) => this.#setUpEventList(command),
      sendShortMessage: (command) => this.#sendShortMessage(command),
      provideLocalInformation: (command) => this.#provideLocalInformation(command),
      timerManagement: (command) => this.#timerManagement(command),
      openChannel: (command) => this.#openChannel(command),
      closeChannel: (command) => this.#closeChannel(command),
      receiveData: (command) => this.#receiveData(command),
      sendData: (command) => this.#sendData(command),
      getChannelStatus: (command) =>
        ok(
          command,
          this.#options.channels.statuses.map((status) => catObject('channelStatus', status)),
        ),
    };
  }

  async answer(command: ProactiveCommand): Promise<TerminalResponse> {
    const name = proactiveName(command.type);
    if (name === undefined)
      return refused(command, isStandardType(command.type) ? RESULT.BEYOND_CAPABILITY : RESULT.TYPE_NOT_UNDERSTOOD);
    if (notUnderstood(command).length > 0) return refused(command, RESULT.DATA_NOT_UNDERSTOOD);
    if (missingObjects(command).length > 0) return refused(command, RESULT.VALUE_MISSING);
    return this.#handlers[name]?.(command) ?? refused(command, RESULT.BEYOND_CAPABILITY);
  }

  #displayText(command: ProactiveCommand): TerminalResponse {
    const shown = findValue(command.objects, 'textString');
    if (shown !== undefined) this.#options.user.showText?.({ dcs: shown.dcs ?? 0, text: shown.text });
    return ok(command);
  }

  #refresh(command: ProactiveCommand): TerminalResponse {
    this.#options.user.refresh?.(command.qualifier);
    return ok(command);
  }

  #pollInterval(command: ProactiveCommand): TerminalResponse {
    const wanted = findValue(command.objects, 'duration');
    const unitMs = UNIT_MS[wanted?.unit ?? 0];
    if (wanted === undefined || unitMs === undefined) return refused(command, RESULT.DATA_NOT_UNDERSTOOD);
    const ms = Math.max(SHORTEST_POLL_MS, unitMs * wanted.interval);
    this.#options.poll(ms);
    const granted = ms === SHORTEST_POLL_MS ? { unit: 1, interval: 1 } : wanted;
    return ok(command, [catObject('duration', granted)]);
  }

  #pollingOff(command: ProactiveCommand): TerminalResponse {
    this.#options.poll(undefined);
    return ok(command);
  }

  #setUpEventList(command: ProactiveCommand): TerminalResponse {
    this.#options.channels.want(findValue(command.objects, 'eventList') ?? []);
    return ok(command);
  }

  async #sendShortMessage(command: ProactiveCommand): Promise<TerminalResponse> {
    const tpdu = findValue(command.objects, 'smsTpdu');
    const send = this.#options.user.sendShortMessage;
    if (tpdu === undefined || send === undefined) return refused(command, RESULT.BEYOND_CAPABILITY);
    const packed = (command.qualifier & PACKED_BY_TERMINAL) === 0 ? tpdu : packedOf(tpdu);
    if (packed === undefined) return refused(command, RESULT.DATA_NOT_UNDERSTOOD);
    const taken = await send(packed, findValue(command.objects, 'address'));
    return taken ? ok(command) : refused(command, RESULT.NETWORK_BUSY);
  }

  #provideLocalInformation(command: ProactiveCommand): TerminalResponse {
    const told = localObject(command.qualifier, this.#options.local);
    return told === undefined ? refused(command, RESULT.BEYOND_CAPABILITY) : ok(command, [told]);
  }

  #timerManagement(command: ProactiveCommand): TerminalResponse {
    const { timers } = this.#options;
    const timer = findValue(command.objects, 'timerIdentifier') ?? 0;
    if (timer < 1 || timer > TIMERS) return refused(command, RESULT.DATA_NOT_UNDERSTOOD);
    const identifier = catObject('timerIdentifier', timer);
    const value = findValue(command.objects, 'timerValue');
    if (command.qualifier === TIMER.START) {
      if (value === undefined) return refused(command, RESULT.VALUE_MISSING);
      timers.start(timer, value);
      return ok(command, [identifier]);
    }
    if (command.qualifier !== TIMER.STOP && command.qualifier !== TIMER.LEFT)
      return refused(command, RESULT.DATA_NOT_UNDERSTOOD);
    const left = command.qualifier === TIMER.STOP ? timers.stop(timer) : timers.left(timer);
    if (left === undefined) return responseTo(command, RESULT.TIMER_STATE, [identifier]);
    return ok(command, [identifier, catObject('timerValue', left)]);
  }

  async #openChannel(command: ProactiveCommand): Promise<TerminalResponse> {
    const { channels } = this.#options;
    // Of two addresses the first is the card's own, often left to the network. @see TS 102 223 6.6.27.2
    const address = allValues(command.objects, 'dataAddress').at(-1);
    const transport = findValue(command.objects, 'transport');
    const host = address === undefined ? undefined : textOf(address);
    const protocol = PROTOCOLS.get(transport?.protocol ?? 0);
    if (host === undefined || transport === undefined || protocol === undefined)
      return refused(command, RESULT.BEYOND_CAPABILITY);
    if (channels.isFull) return bipError(command, BIP_CAUSE.NO_CHANNEL);
    const wanted = findValue(command.objects, 'bufferSize') ?? 0;
    const bufferSize = Math.min(wanted, MAX_BUFFER);
    const number = await channels.open({ protocol, host, port: transport.port, bufferSize });
    const status = number === undefined ? undefined : channels.status(number);
    if (status === undefined) return bipError(command, BIP_CAUSE.REMOTE_UNREACHABLE);
    const bearer = findValue(command.objects, 'bearer');
    return responseTo(command, bufferSize === wanted ? RESULT.OK : RESULT.MODIFIED, [
      catObject('channelStatus', status),
      ...(bearer === undefined ? [] : [catObject('bearer', bearer)]),
      catObject('bufferSize', bufferSize),
    ]);
  }

  #closeChannel(command: ProactiveCommand): TerminalResponse {
    return this.#options.channels.close(channelOf(command)) ? ok(command) : bipError(command, BIP_CAUSE.BAD_CHANNEL);
  }

  #receiveData(command: ProactiveCommand): TerminalResponse {
    const wanted = findValue(command.objects, 'channelDataLength') ?? 0;
    const received = this.#options.channels.receive(channelOf(command), wanted);
    if (received === undefined) return bipError(command, BIP_CAUSE.BAD_CHANNEL);
    const { data, left } = received;
    return ok(command, [catObject('channelData', data), catObject('channelDataLength', left)]);
  }

  #sendData(command: ProactiveCommand): TerminalResponse {
    const data = findValue(command.objects, 'channelData') ?? new Uint8Array();
    const now = (command.qualifier & IMMEDIATELY) !== 0;
    const room = this.#options.channels.send(channelOf(command), data, now);
    if (typeof room === 'number') return ok(command, [catObject('channelDataLength', room)]);
    return bipError(command, SEND_CAUSE[room]);
  }
}

const SEND_CAUSE = {
  unknown: BIP_CAUSE.BAD_CHANNEL,
  down: BIP_CAUSE.CHANNEL_CLOSED,
  full: BIP_CAUSE.BUFFER_SIZE,
} as const;

const PROTOCOLS: ReadonlyMap<number, 'tcp' | 'udp'> = new Map([
  [TRANSPORT.TCP_CLIENT, 'tcp'],
  [TRANSPORT.UDP_CLIENT, 'udp'],
]);

/** Undefined for what is no SMS-SUBMIT. */
function packedOf(tpdu: Uint8Array): Uint8Array | undefined {
  try {
    return packSubmit(tpdu);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Undefined for an address that the network would have to give. */
function textOf(address: DataAddress): string | undefined {
  if (address.family === 'dynamic') return undefined;
  if (address.family === 'ipv4') return [...address.address].join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((address.address[2 * index] ?? 0) << 8) | (address.address[2 * index + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}
