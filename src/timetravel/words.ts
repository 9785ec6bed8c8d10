// Commands and events in words, for people who look at a journal.
import { formatDecimal } from '../base/decimal.ts';
import { Cmd, CmdFlag, COMMAND, type EngineEvent, REASON_TEXT } from '../book/types.ts';
import { BOOK_NONE } from '../exchange/sequencer.ts';
import type { CommandRecord } from '../journal/payloads.ts';
import type { NamedInstrument } from './journal_context.ts';

/** A price in ticks as the instrument's decimal text; ticks where nothing names it. */
export function priceText(ticks: number, instrument: NamedInstrument | null): string {
  if (instrument === null) return String(ticks);
  return formatDecimal(BigInt(ticks * instrument.tickSize), instrument.decimals);
}

/** Slots that the command at `at` takes. */
export function commandSlots(slots: Uint8Array, at: number): number {
  const isNew = slots[at + COMMAND.type] === Cmd.New;
  return isNew && (slots[at + COMMAND.flags] & CmdFlag.Extended) !== 0 ? 2 : 1;
}

export function commandText(command: CommandRecord, instrument: NamedInstrument | null): string {
  const words = [command.command, `${command.client}.${command.order}`];
  if (command.side !== 'none') words.push(command.side);
  if (command.qty > 0) words.push(String(command.qty));
  if (command.price !== 0) words.push('@', priceText(command.price, instrument));
  for (const word of [command.orderType, command.tif, command.state, command.rejected]) {
    if (word !== undefined) words.push(word);
  }
  if (command.stp !== undefined && command.stp !== 'default') words.push(`stp ${command.stp}`);
  if (command.postOnly) words.push('post-only');
  if (command.chain) words.push('chain');
  for (const name of ['display', 'minQty', 'stopPrice', 'owner'] as const) {
    const value = command[name];
    if (value !== undefined && value !== 0) words.push(`${name} ${value}`);
  }
  if (command.reason !== undefined) words.push(`(${command.reason})`);
  words.push(instrument?.symbol ?? (command.book === BOOK_NONE ? 'all books' : `book ${command.book}`));
  return words.join(' ');
}

/** What an event says of an order; `asMaker`: of the resting one of a trade. */
export function eventText(event: EngineEvent, asMaker: boolean, instrument: NamedInstrument | null): string {
  const price = (ticks: number): string => priceText(ticks, instrument);
  const where = instrument === null ? '' : ` ${instrument.symbol}`;
  switch (event.type) {
    case 'accepted': {
      const side = event.side === 1 ? 'buy' : 'sell';
      const rests = event.rests ? `, rests with ${event.displayed} shown` : '';
      return `accepted: ${side} ${event.qty} @ ${price(event.price)}${where}, order ${event.orderId}${rests}`;
    }
    case 'trade': {
      const leaves = asMaker ? event.makerLeaves : event.takerLeaves;
      const bought = (event.side === 1) !== asMaker ? 'bought' : 'sold';
      const other = asMaker
        ? `${event.takerClient}.${event.takerId}`
        : `${event.makerClient}.${event.makerId}`;
      const role = asMaker ? 'resting' : 'taking';
      return `${bought} ${event.qty} @ ${price(event.price)} ${role}, with ${other}, leaves ${leaves}`;
    }
    case 'canceled':
      return `canceled: ${event.qty} removed${reasonText(event.reason)}`;
    case 'replaced': {
      const kept = event.kept ? ', priority kept' : '';
      return `replaced: ${event.qty} @ ${price(event.price)}, was @ ${price(event.oldPrice)}${kept}`;
    }
    case 'reduced':
      return `reduced by ${event.qty}, leaves ${event.leaves}${reasonText(event.reason)}`;
    case 'rejected':
      return `rejected${reasonText(event.reason)}`;
    case 'triggered':
      return `triggered: ${event.qty} @ ${price(event.price)}`;
    case 'rested':
      return `rests: ${event.leaves} @ ${price(event.price)}, ${event.displayed} shown`;
    case 'displayed':
      return `refreshed: ${event.displayed} of ${event.leaves} shown @ ${price(event.price)}`;
    default:
      return event.type;
  }
}

/** What came of a command, in few words; empty where the command itself says it. `own`: the order that it is about. */
export function outcomeText(event: EngineEvent, own: string, instrument: NamedInstrument | null): string {
  switch (event.type) {
    case 'accepted':
      return event.rests ? `rests with ${event.displayed}` : '';
    case 'trade':
      return `${event.side === 1 ? 'buys' : 'sells'} ${event.qty} @ ${priceText(event.price, instrument)} from ${event.makerClient}.${event.makerId}`;
    case 'canceled': {
      const name = `${event.client}.${event.id}`;
      return `${name === own ? '' : `${name}: `}${event.qty} gone${reasonText(event.reason)}`;
    }
    case 'rejected':
    case 'reduced':
    case 'replaced':
    case 'triggered':
    case 'rested':
    case 'displayed':
      return eventText(event, false, instrument);
    default:
      return '';
  }
}

function reasonText(reason: number): string {
  return reason === 0 ? '' : ` (${REASON_TEXT[reason] ?? `reason ${reason}`})`;
}
