// One order at an instant: where it stands in its queue, and all that ever happened to it, before and after.
import type { EngineEvent } from '../book/types.ts';
import type { TimeMachine } from './time_machine.ts';
import { eventText } from './words.ts';

/** A client's order; the id as text, for it takes 64 bits. */
export interface OrderName {
  readonly client: number;
  readonly id: string;
}

export interface OrderStory extends OrderName {
  /** Null: it does not rest at this instant. */
  readonly place: OrderPlace | null;
  /** All of the tape's, oldest first; `position` tells which have happened. An id may have served several orders in turn. */
  readonly steps: readonly StoryStep[];
  /** There are more steps than STEPS_MAX. */
  readonly more: boolean;
}

export interface OrderPlace {
  readonly book: number;
  readonly side: number;
  readonly price: number;
  /** It waits for a trade at `price`, in no queue. */
  readonly isStop: boolean;
  readonly qty: number;
  readonly hidden: number;
  readonly executed: number;
  /** From 0; 0 and 0 for a stop. */
  readonly ordersAhead: number;
  readonly qtyAhead: number;
  readonly ordersInLevel: number;
}

export interface StoryStep {
  /** Behind which it had happened. */
  readonly position: number;
  readonly timeNs: number;
  readonly type: EngineEvent['type'];
  readonly text: string;
}

/** A page shows no more. */
const STEPS_MAX = 1_000;
const WORD = 0xffff_ffffn;

/** Event numbers of an order, rising. */
export function eventsOfOrder(machine: TimeMachine, { client, id }: OrderName): number[] {
  const wide = BigInt(id);
  const end = machine.log.firstOf[machine.inputs];
  return machine.orders.eventsOf(client, Number(wide & WORD), Number(wide >> 32n)).filter((event) => event < end);
}

/** Orders of this name: "7.123", or "123" for every client that has used the id. Empty: none, or no such form. */
export function findOrders(machine: TimeMachine, text: string): OrderName[] {
  const parts = /^(?:(\d{1,10})\.)?(\d{1,20})$/.exec(text.trim());
  if (parts === null) return [];
  const id = BigInt(parts[2]);
  if (BigInt.asUintN(64, id) !== id) return [];
  const clients = parts[1] === undefined ? machine.orders.clientsOf(Number(id & WORD), Number(id >> 32n)) : [Number(parts[1])];
  const names = clients.map((client) => ({ client, id: String(id) }));
  return names.filter((name) => eventsOfOrder(machine, name).length > 0);
}

export function orderStoryOf(machine: TimeMachine, name: OrderName): OrderStory {
  const events = eventsOfOrder(machine, name);
  const steps = events.slice(0, STEPS_MAX).map((event) => stepOf(machine, name, event));
  return { ...name, place: placeOf(machine, name), steps, more: events.length > STEPS_MAX };
}

function stepOf(machine: TimeMachine, { client, id }: OrderName, number: number): StoryStep {
  const event = machine.log.decode(number);
  const asMaker = event.type === 'trade' && event.makerClient === client && String(event.makerId) === id;
  const position = machine.positionOfEvent(number);
  return {
    position,
    timeNs: machine.tape.timesNs[position - 1],
    type: event.type,
    text: eventText(event, asMaker, machine.tape.instruments[event.book] ?? null),
  };
}

function placeOf({ engine }: TimeMachine, { client, id }: OrderName): OrderPlace | null {
  const order = engine.order(client, BigInt(id));
  if (order === null) return null;
  const { book, side, price, isStop, qty, hidden, executed } = order;
  const queue = isStop ? [] : engine.queue(book, side, price);
  const ordersAhead = Math.max(0, queue.findIndex(({ orderId }) => orderId === order.orderId));
  const qtyAhead = queue.slice(0, ordersAhead).reduce((sum, ahead) => sum + ahead.qty, 0);
  return { book, side, price, isStop, qty, hidden, executed, ordersAhead, qtyAhead, ordersInLevel: queue.length };
}
