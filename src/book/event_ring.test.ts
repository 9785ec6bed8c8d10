// The ring of events is never written over: when it is full the host is asked, wherever in a batch that is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MatchingEngine } from './matching_engine.ts';
import { Cmd, Side, Tif } from './types.ts';

const SLOTS = 64;
const MAKERS = 40;
const EATEN = 30;
const IMMEDIATE = 15;

// Once, room was asked for a round of commands at a time, and an order with many trades used up what the rest of the
// round counted on: up to 29 events were lost.
test('an order with many trades amid a batch leaves no room that later commands only believe in', () => {
  for (const variant of ['core', 'core.checked'] as const) {
    for (let waiting = 0; waiting <= SLOTS / 2; waiting++) {
      const engine = new MatchingEngine(
        { instruments: [{ minPrice: 1, maxPrice: 1_000 }], ordersMax: 1_000, eventsMax: SLOTS }, { variant },
      );
      const types: string[] = [];
      let cursor = 0;
      const drain = () => {
        const end = engine.eventsWritten();
        assert.ok(end - cursor <= SLOTS, `${end - cursor} events stand in ${SLOTS} slots, ${waiting} waited before`);
        for (; cursor < end; cursor++) types.push(engine.readEvent(cursor).type);
        engine.releaseEvents(end);
      };
      engine.onEventsFull = drain;
      let id = 1n;
      for (let i = 0; i < MAKERS; i++) {
        engine.process(engine.writeCommand(0, { type: Cmd.New, id: id++, side: Side.Sell, price: 500, qty: 1 }));
        drain();
      }
      // Events that nobody has taken yet shift where in the ring the batch begins.
      for (let i = 0; i < waiting; i++) {
        engine.process(engine.writeCommand(0, { type: Cmd.New, id: id++, side: Side.Buy, price: 400, qty: 1 }));
      }
      let slots = engine.writeCommand(0, { type: Cmd.New, id: id++, side: Side.Buy, price: 500, qty: EATEN });
      for (let i = 0; i < IMMEDIATE; i++) {
        slots += engine.writeCommand(slots, { type: Cmd.New, id: id++, side: Side.Buy, price: 300, qty: 1, tif: Tif.Ioc });
      }
      engine.process(slots);
      drain();
      const count = (type: string) => types.filter((one) => one === type).length;
      assert.equal(count('accepted'), MAKERS + waiting + 1 + IMMEDIATE);
      assert.equal(count('trade'), EATEN);
      assert.equal(count('canceled'), IMMEDIATE);
    }
  }
});
