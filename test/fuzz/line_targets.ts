// Lines of JSON to `outcry match`: every line has answers of one JSON object each, the process goes on,
// and the engine's invariants hold.
import assert from 'node:assert/strict';
import type { Prng } from '../../src/base/prng.ts';
import { MatchSession } from '../../src/apps/match.ts';
import { MatchingEngine } from '../../src/book/matching_engine.ts';
import type { Fed, LineTarget } from './target.ts';

const ORDERS_MAX = 10_000;
const I32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const EVENTS = new Set(['accepted', 'trade', 'canceled', 'replaced', 'reduced', 'rejected', 'triggered', 'rested', 'displayed', 'state', 'depth', 'hash']);

function commands(prng: Prng): string[] {
  return Array.from({ length: prng.between(1, 12) }, () => JSON.stringify(command(prng)));
}

function command(prng: Prng): object {
  const id = prng.between(1, 50);
  const pick = <T>(...list: readonly T[]): T => list[prng.below(list.length)];
  const price = prng.between(95, 105);
  switch (prng.below(9)) {
    case 0: return { op: 'cancel', id };
    case 1: return { op: 'reduce', id, qty: prng.between(1, 9) };
    case 2: return { op: 'replace', id, price, qty: prng.between(1, 20), ...(prng.chance(0.3) ? { chain: true } : {}) };
    case 3: return pick<object>({ op: 'massCancel' }, { op: 'massCancel', side: 'buy' }, { op: 'state', state: pick('open', 'halted') }, { op: 'depth', levels: 5 }, { op: 'hash' });
    case 4: return {
      op: 'new', id, side: pick('buy', 'sell'), price, qty: prng.between(1, 20), type: pick('limit', 'market', 'stop', 'stop-limit'),
      stopPrice: prng.between(95, 105), tif: pick('gtc', 'ioc', 'fok', 'day'), postOnly: prng.chance(0.2), display: prng.below(4),
      minQty: prng.below(4), client: prng.below(4), owner: prng.below(3), stp: pick('none', 'cancel-newest', 'decrement', null),
    };
    default: return { op: 'new', id, side: pick('buy', 'sell'), price, qty: prng.between(1, 20) };
  }
}

function open(): Fed<string> {
  const engine = new MatchingEngine({ instruments: [{ minPrice: I32.min, maxPrice: I32.max }], ordersMax: ORDERS_MAX });
  const session = new MatchSession(engine);
  return {
    take: (lines) => {
      for (const line of lines.flatMap((one) => one.split('\n'))) {
        const answers = session.answer(line);
        // Of a mass cancel an answer each order that goes.
        assert.ok(answers !== '' || line.trim() === '' || line.includes('massCancel'), `no answer to ${line.slice(0, 200)}`);
        for (const answer of answers.split('\n').slice(0, -1)) {
          const { event } = JSON.parse(answer) as { event?: string };
          assert.ok(event !== undefined && EVENTS.has(event), answer);
        }
        assert.ok(answers === '' || answers.endsWith('\n'), 'answers are whole lines');
      }
    },
    check: () => engine.checkInvariants(),
    close: () => {},
  };
}

export const LINE_TARGETS: readonly LineTarget[] = [{ name: 'match', kind: 'lines', valid: commands, open }];
