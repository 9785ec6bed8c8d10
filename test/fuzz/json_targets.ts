// Market data messages as JSON: what is read is what JSON.parse says, whatever the text. And lines to a JSON session:
// every line has an answer that is a line of JSON, or ends the session with a reason.
import assert from 'node:assert/strict';
import type { Prng } from '../../src/base/prng.ts';
import { compare, randomMarketText } from '../../src/json/market_message.reference.ts';
import { REQUEST_FIELDS } from '../../src/json/requests.ts';
import { JsonRig } from '../json/json_rig.ts';
import type { LineTarget } from './target.ts';

const MESSAGES: LineTarget = {
  name: 'json-messages', kind: 'lines',
  valid: (prng) => Array.from({ length: prng.between(1, 6) }, () => randomMarketText(prng)),
  open: () => ({
    take: (lines) => {
      for (const line of lines) compare(line);
    },
    check: () => {},
    close: () => {},
  }),
};

/** A value that the field might have, or another's. */
function value(prng: Prng, field: string): unknown {
  const pick = <T>(...list: readonly T[]): T => list[prng.below(list.length)];
  if (prng.chance(0.1)) return pick<unknown>(null, true, -1, 1.5, 1e300, '', 'x', [], {}, '__proto__');
  switch (field) {
    case 'id': return pick<unknown>(prng.below(20), String(prng.below(20)), '18446744073709551615', 2 ** 53);
    case 'symbol': return pick('T1', 'T2', 'T3', 'T4');
    case 'symbols': return [pick('T1', 'T2', 'T9')];
    case 'channels': return [pick('trades', 'top', 'depth', 'external', 'orders')];
    case 'side': return pick('buy', 'sell');
    case 'price': case 'stopPrice': return pick<unknown>('100.25', 100.25, prng.between(90, 110), '100.255');
    case 'type': return pick('limit', 'market', 'stop', 'stop-limit');
    case 'tif': return pick('gtc', 'ioc', 'fok', 'day');
    case 'stp': return pick('none', 'cancel-newest', 'decrement');
    case 'postOnly': case 'chain': case 'numbers': return prng.chance(0.5);
    case 'ref': return pick<unknown>('r', 'é', 7);
    default: return prng.between(0, 20);
  }
}

function requests(prng: Prng): string[] {
  const ops = Object.entries(REQUEST_FIELDS).filter(([op]) => op !== 'logout' && op !== 'login');
  return Array.from({ length: prng.between(1, 12) }, () => {
    if (prng.chance(0.1)) return randomMarketText(prng).replaceAll('\n', ' ');
    const [op, fields] = ops[prng.below(ops.length)];
    const given = fields.filter(() => prng.chance(0.7)).map((field) => [field, value(prng, field)]);
    return JSON.stringify({ op, ...Object.fromEntries(given) });
  });
}

const SESSION: LineTarget = {
  name: 'json-session', kind: 'lines', share: 0.3, valid: requests,
  open: async () => {
    const rig = await JsonRig.open();
    let clients = 0;
    return {
      take: async (lines) => {
        const client = await rig.trader(++clients);
        client.say(...lines);
        await rig.turn(40);
        if (!client.closed) {
          const before = client.of('status').length;
          client.say({ op: 'status' });
          await rig.until(() => client.closed || client.of('status').length > before, 'an answer');
        }
        for (const { event } of client.events) assert.ok(typeof event === 'string', 'every line is an event');
        assert.ok(!client.closed || client.of('closed').length === 1, 'an end has a reason');
        client.connection.close();
        await rig.turn(2);
      },
      check: () => rig.checkInvariants(),
      close: () => rig.close(),
    };
  },
};

export const JSON_TARGETS: readonly LineTarget[] = [MESSAGES, SESSION];
